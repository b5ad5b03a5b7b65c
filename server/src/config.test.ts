import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localUrl, readConfig, variables } from "./config.ts";

const docs = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");

test("the page of settings names exactly those that exist", () => {
  const named = [...docs.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  expect(named).toEqual([...variables]);
});

test("nothing set is the quick start", () => {
  expect(readConfig({})).toMatchObject({ port: 8080, host: "127.0.0.1", simulator: true });
});

test.each([
  [{ PORT: "eighty" }, /PORT is 'eighty'.*0 to 65535/],
  [{ LONGWAVE_RETENTION_DAYS: "0" }, /LONGWAVE_RETENTION_DAYS is '0'.*1 to 3650/],
  [{ LONGWAVE_SECRET_KEY: "short" }, /LONGWAVE_SECRET_KEY.*64 hexadecimal digits/],
  [{ LONGWAVE_SIMULATER: "on" }, /LONGWAVE_SIMULATER is no setting/],
  [{ LONGWAVE_ALLOW_PRIVATE: "10.0.0.1" }, /LONGWAVE_ALLOW_PRIVATE is '10.0.0.1'/],
  [{ DATABASE_URL: "mysql://x" }, /DATABASE_URL.*postgres:/],
  [{ DATABASE_URL: "postgres://a/b" }, /LONGWAVE_SECRET_KEY is not set/],
])("a wrong value is refused with variable and remedy: %j", (env, message) => {
  expect(() => readConfig(env)).toThrow(message);
});

test.each([
  ["127.0.0.1", "http://127.0.0.1:8080"],
  ["0.0.0.0", "http://127.0.0.1:8080"],
  ["::", "http://[::1]:8080"],
  ["fd00::7", "http://[fd00::7]:8080"],
])("what listens on %s is told at an address that can be called", (host, url) => {
  expect(localUrl(host, 8080)).toBe(url);
});

test("a secret in the wrong form is not repeated in the error", () => {
  expect(() => readConfig({ LONGWAVE_AUTH_TOKEN: "a b" })).not.toThrow(/a b/);
});
