import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "./started-app.ts";

const root = join(import.meta.dirname, "../../..");
const RUN_MS_MAX = 30_000;
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
});

/** The first block of a language on a page: what a reader copies. */
function readExample(page: string, language: string): string {
  const text = readFileSync(join(root, page), "utf8");
  const [, example] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
  if (example === undefined) throw new Error(`${page} has no example in ${language}.`);
  return example;
}

/** Runs a program that comes by standard input; gives what it prints. */
function run(program: string, args: readonly string[], input: string): Promise<string> {
  const { sid, token } = started.app.firstAccount;
  const env = {
    ...{ ...process.env, LONGWAVE_URL: started.app.url },
    ...{ LONGWAVE_ACCOUNT_SID: sid, LONGWAVE_AUTH_TOKEN: token },
  };
  const options = { cwd: root, env, timeout: RUN_MS_MAX };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
    child.stdin?.end(input);
  });
}

/** Waits until the text that an example printed has arrived at the phone. */
async function expectDelivered(printed: string, body: string): Promise<void> {
  const [sid, status] = printed.trim().split(" ");
  expect([sid, status]).toEqual([expect.stringMatching(/^SM/), "queued"]);
  const fetchText = async () => (await started.call(`${started.home}/Messages/${sid}.json`)).json;
  await expect
    .poll(fetchText, { timeout: 15_000 })
    .toMatchObject({ body, from: "+15005550100", status: "delivered" });
}

test("the README's first text, as it stands, is delivered and called back", async () => {
  const statuses: (string | null)[] = [];
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    statuses.push(new URLSearchParams(Buffer.concat(chunks).toString()).get("MessageStatus"));
    response.end();
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const { sid, token } = started.app.firstAccount;
  const example = readExample("README.md", "ts")
    .replace("http://127.0.0.1:8080", started.app.url)
    .replace('"AC…"', JSON.stringify(sid))
    .replace('"…"', JSON.stringify(token))
    .replace(":3000/", `:${(receiver.address() as AddressInfo).port}/`);
  const printed = await run(process.execPath, ["--input-type=module"], example);
  await expectDelivered(printed, "Your code is 314159");
  await expect.poll(() => statuses, { timeout: 10_000 }).toContain("delivered");
  receiver.close();
});

/** Debian's package is for Debian's Python, which need not be the first on the path. */
const pythons = ["/usr/bin/python3", "python3"];

async function findPython(): Promise<string | undefined> {
  for (const python of pythons) {
    const found = await run(python, ["-c", "import twilio"], "").then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}

test("the Python page's first text, as it stands, is delivered", async (context) => {
  const python = await findPython();
  if (python === undefined) {
    context.skip("no Python here has Twilio's SDK: apt-get install python3-twilio");
    return;
  }
  const printed = await run(python, ["-"], readExample("docs/clients/python.md", "python"));
  await expectDelivered(printed, "Hello from Python");
});
