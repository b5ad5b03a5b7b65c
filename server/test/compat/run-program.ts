import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "../../src/app.ts";

const root = join(import.meta.dirname, "../../..");
const RUN_MS_MAX = 30_000;

/** The first block of a language on a page: what a reader copies. */
export function readExample(page: string, language: string): string {
  const text = readFileSync(join(root, page), "utf8");
  const [, example] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
  if (example === undefined) throw new Error(`${page} has no example in ${language}.`);
  return example;
}

/** Runs a program that comes by standard input, with the first account's credentials; gives what it prints. */
export function runProgram(
  { url, firstAccount }: Pick<App, "url" | "firstAccount">,
  [program, ...args]: readonly [string, ...string[]],
  input: string,
): Promise<string> {
  const env = {
    ...{ ...process.env, LONGWAVE_URL: url },
    ...{ LONGWAVE_ACCOUNT_SID: firstAccount.sid, LONGWAVE_AUTH_TOKEN: firstAccount.token },
  };
  const options = { cwd: root, env, timeout: RUN_MS_MAX };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
    child.stdin?.end(input);
  });
}

/** Debian's package is for Debian's Python, which need not be the first on the path. */
const pythons = ["/usr/bin/python3", "python3"];
export const noPython = "no Python here has Twilio's SDK: apt-get install python3-twilio";

/** A Python that has Twilio's SDK. */
export async function findPython(): Promise<string | undefined> {
  for (const python of pythons) {
    const found = await new Promise<boolean>((done) => {
      execFile(python, ["-c", "import twilio"], (error) => done(error === null));
    });
    if (found) return python;
  }
  return undefined;
}
