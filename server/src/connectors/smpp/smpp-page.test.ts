import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { commands, tlvs } from "../../smpp/pdus.ts";
import { presets } from "./presets.ts";
import { parseSmppSettings } from "./settings.ts";

const root = join(import.meta.dirname, "../../../..");
const page = readFileSync(join(root, "docs/smpp.md"), "utf8");
/** By name; files of the same name count as one. */
const tests = new Map<string, string>();
for (const file of readdirSync(join(root, "server"), { recursive: true, encoding: "utf8" })) {
  if (!file.endsWith(".test.ts") || file.includes("node_modules")) continue;
  const text = readFileSync(join(root, "server", file), "utf8");
  tests.set(basename(file), (tests.get(basename(file)) ?? "") + text);
}

test("every test that the page names is there", () => {
  const named = [...page.matchAll(/`([\w.-]+\.test\.ts)`:\s+_([^_]+(?:_\w[^_]*)*)_/g)];
  expect(named.length).toBeGreaterThan(80);
  const missing = named.filter(
    ([, file = "", title = ""]) => !tests.get(file)?.includes(title.replaceAll(/\s+/g, " ")),
  );
  expect(missing.map(([whole]) => whole)).toEqual([]);
});

test("the page names every PDU, TLV, preset and setting", () => {
  const account = { host: "a", port: 1, systemId: "a", password: "a" };
  const names = [
    ...Object.keys(commands).filter((name) => !name.endsWith("_resp")),
    ...Object.keys(tlvs),
    ...presets.map(({ name }) => name),
    ...Object.keys(parseSmppSettings(account)),
  ];
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
