import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { expect, test } from "vitest";

/** Which folder of server/src may import which; anything not listed is forbidden. See design floors in ARCHITECTURE.md. */
const one = ["accounts", "numbers", "segments", "db", "lib"];
const two = [...one, "senders", "throughput", "compliance", "spend", "events"];
const three = [...two, "routing", "usage"];
const contract = "connectors/connector.ts";
const four = [...three, contract, "messages"];
const mayImport: Record<string, readonly string[]> = {
  lib: [],
  db: ["lib"],
  accounts: ["lib", "db"],
  numbers: ["lib", "db"],
  smpp: ["lib"],
  segments: ["lib"],
  senders: one,
  throughput: one,
  compliance: one,
  spend: one,
  events: one,
  connectors: [...one, "smpp"],
  routing: [...two, contract],
  usage: [...one, "events"],
  messages: [...three, contract],
  webhooks: four,
  simulator: [...four, "smpp", "connectors/smpp/text.ts"],
  api: [...four, "webhooks"],
  cli: ["*"],
};
/** Tables, which grow with what they list. */
const tables: readonly string[] = [];

type Source = { file: string; text: string };

const src = join(import.meta.dirname, "../src");
const sources: Source[] = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: readFileSync(join(src, file), "utf8") }));
const program = sources.filter(({ file }) => !file.endsWith(".test.ts"));

function upwardImports(files: readonly Source[]): string[] {
  return files.flatMap(({ file, text }) => {
    const [from = ""] = file.split("/");
    if (!file.includes("/")) return [];
    return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
      .map(([, target = ""]) => normalize(join(file, "..", target)))
      .filter((target) => {
        const [to = ""] = target.split("/");
        const allowed = mayImport[from] ?? [];
        return from !== to && !["*", to, target].some((name) => allowed.includes(name));
      })
      .map((target) => `${file} imports ${target}`);
  });
}

function longFiles(files: readonly Source[]): string[] {
  return files
    .filter(({ file, text }) => text.split("\n").length > 400 && !tables.includes(file))
    .map(({ file }) => file);
}

const FUNCTION_LINES_MAX = 60;
const innerFunction =
  /^ {2}const (\w+)(?:: [^=]+)? = (?:async )?(?:<[^;]*?)?\([^;]*?=> \{$[\s\S]*?^ {2}\};?$/gm;

/**
 * Functions that are too long: at the top of a file, or named inside one. A function that holds
 * others counts its own lines, a statement of SQL counts as one, an empty line as none.
 */
function longFunctions(files: readonly Source[]): string[] {
  return files.flatMap(({ file, text }) => {
    const code = text.replace(/`[^`]*`/g, (sql) => sql.replaceAll("\n", ""));
    const inner = [...code.matchAll(innerFunction)];
    const outer = code.replaceAll(innerFunction, "");
    return [...inner, ...outer.matchAll(/^(?:export )?(?:async )?function (\w+)[\s\S]*?^}/gm)]
      .filter(
        ([body]) => body.split(/\n\s*/).filter((line) => line !== "").length > FUNCTION_LINES_MAX,
      )
      .map(([, name]) => `${file} ${name}`);
  });
}

function matching(files: readonly Source[], pattern: RegExp, except: RegExp): string[] {
  return files
    .filter(({ file, text }) => pattern.test(text) && !except.test(file))
    .map(({ file }) => file);
}

const rules = {
  sqlOutsideStores: (files: readonly Source[]) =>
    matching(files, /\bsql(<[^`]*>)?`|\.unsafe\(/, /(^|[/-])store\.ts$|^db\/|^insights\//),
  environment: (files: readonly Source[]) => matching(files, /process\.env/, /^config\.ts$/),
  ownClock: (files: readonly Source[]) =>
    matching(files, /new Date\(\)|Date\.now\(\)/, /^lib\/clock\.ts$/),
  unfinished: (files: readonly Source[]) =>
    matching(files, /\b(FIXME|HACK|XXX)\b|TODO(?! #\d)/, /^$/),
};

const forbiddenNames = /(^|\/)(utils|helpers|common|types|index)\.ts$/;

test("folders import only the folders below them", () => {
  expect(upwardImports(program)).toEqual([]);
  const planted = [{ file: "lib/x.ts", text: 'import { a } from "../db/sql.ts";' }];
  expect(upwardImports(planted)).toEqual(["lib/x.ts imports db/sql.ts"]);
});

test("every folder has its line in the table", () => {
  const folders = new Set(
    sources.filter(({ file }) => file.includes("/")).map(({ file }) => file.split("/")[0]),
  );
  expect([...folders].filter((folder) => !(folder !== undefined && folder in mayImport))).toEqual(
    [],
  );
});

test("no file is longer than 400 lines", () => {
  expect(longFiles(sources)).toEqual([]);
  expect(longFiles([{ file: "lib/x.ts", text: "\n".repeat(400) }])).toEqual(["lib/x.ts"]);
});

test("no function is longer than 60 lines", () => {
  expect(longFunctions(program)).toEqual([]);
  const planted = `export async function long() {\n${"  step();\n".repeat(60)}}\n`;
  expect(longFunctions([{ file: "lib/x.ts", text: planted }])).toEqual(["lib/x.ts long"]);
});

test("no file has a name that says nothing", () => {
  expect(sources.filter(({ file }) => forbiddenNames.test(file))).toEqual([]);
  expect(forbiddenNames.test("lib/utils.ts")).toBe(true);
});

test.each([
  ["SQL stands only in stores", rules.sqlOutsideStores, "await sql<Row[]>`select`"],
  ["only config.ts reads the environment", rules.environment, "process.env.PORT"],
  ["the time comes from a clock", rules.ownClock, "const at = new Date();"],
  ["nothing is left unfinished", rules.unfinished, ["// FIX", "ME later"].join("")],
] as const)("%s", (_name, rule, planted) => {
  expect(rule(program)).toEqual([]);
  expect(rule([{ file: "messages/x.ts", text: planted }])).toEqual(["messages/x.ts"]);
});
