import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorGroups } from "../../src/api/error-codes/error-pages.ts";

const src = join(import.meta.dirname, "../../src");
const page = join(import.meta.dirname, "../../../docs/errors.md");
const list = join("api", "error-codes");
/** Twilio's ranges for webhooks and TwiML, requests, messages, lists and channels. */
const codePattern = /(?<![\w+.$"-])(1[1-4]\d{3}|2[01]\d{3}|3[05]\d{3}|6[03]\d{3})(?![\w"-])/g;

/** The error codes in a source, whose long numbers have underscores; comments do not count. */
function codesIn(source: string): string[] {
  const program = source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
  return [...program.matchAll(codePattern)].map(([code]) => code);
}

function codesOfProgram(): string[] {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .filter((file) => !file.startsWith(list));
  return files.flatMap((file) => codesIn(readFileSync(join(src, file), "utf8")));
}

const rows = errorGroups.flatMap(({ codes }) =>
  Object.entries(codes).map(([code, { meaning, remedy }]) => ({ code, meaning, remedy })),
);

test("the list of error codes has every code that the program can give, and no other", () => {
  const listed = rows.map((row) => row.code);
  expect(new Set(listed).size).toBe(listed.length);
  // The meanings of what fails at the carrier are listed before a carrier gives them.
  const given = new Set([...codesOfProgram(), "30001", "30004", "30006"]);
  expect(listed.toSorted()).toEqual([...given].sort());
  expect(codesIn("throw new ApiError(400, 21999, text); // 21998")).toEqual(["21999"]);
});

test("docs/errors.md says of each code what the program says", () => {
  const lines = readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => /^\| \d/.test(line));
  expect(lines).toEqual(
    rows.map(({ code, meaning, remedy }) => `| ${code} | ${meaning} | ${remedy} |`),
  );
});
