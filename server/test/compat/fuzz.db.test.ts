import { afterAll, beforeAll, expect, test } from "vitest";
import { routes2010 } from "../../src/api/2010-04-01/routes.ts";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

const REQUESTS = 3_000;
const bugs: unknown[] = [];
let database: TestDatabase;
let app: App;

beforeAll(async () => {
  database = await createTestDatabase();
  const config = {
    ...readConfig({ LONGWAVE_SECRET_KEY: "07".repeat(32) }),
    ...{ port: 0, simulatorPort: 0, simulatorHttpPort: 0 },
  };
  const report = (error: unknown) => bugs.push(error);
  app = await startApp({ config, address: database.address, clock, version: "0.0.0", report });
});
afterAll(async () => {
  await app?.close();
  await database?.close();
});

/** Numerical Recipes' generator: the same requests at every run. */
function createRandom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const random = createRandom(20_261_124);
const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
const values = [
  ...["", "0", "-1", "1e9", "999999999999999999999", "true", "canceled", "otp", "*", "%", "\0"],
  ...["\ud83d", "é", "+14155552671", "+15005550100", "55501", "whatsapp:+1", "2026-13-45"],
  ...[
    "0000-00-00",
    "2026-11-24",
    "+275760-01-01",
    "https://a_b.example/",
    "http://[::1]/x",
    "'; --",
  ],
  ...["PA", "PASM00000000000000000000000000000000", "PA+1", "__proto__", "x".repeat(1_700)],
  ...[`SM${"0".repeat(32)}`, `MG${"f".repeat(32)}`, "US", "202", "1,2", "{}", "\r\nX: y"],
];
const broken = ["%", "a=%zz&b", "&&==&", "Body=%ff%fe&To=%00", "{", '{"__proto__":1}'];
const types = ["application/x-www-form-urlencoded", "application/json", "text/plain", "x"];

function nextRequest(): { path: string; init: RequestInit } {
  const route = pick(routes2010);
  const names = [...Object.keys(route.parameters), "__proto__", "constructor"];
  const pairs = Array.from(
    { length: random(5) },
    () => [pick(names), pick(values)] as [string, string],
  );
  const text = random(12) === 0 ? pick(broken) : new URLSearchParams(pairs).toString();
  const path = route.path.replace(/:(\w+)/g, (_whole, name) =>
    name === "account" && random(10) > 0 ? app.firstAccount.sid : encodeURIComponent(clean()),
  );
  const headers: Record<string, string> = {};
  if (random(20) > 0) {
    headers.authorization = `Basic ${btoa(`${app.firstAccount.sid}:${app.firstAccount.token}`)}`;
  }
  if (random(15) === 0) headers["idempotency-key"] = `k${random(5)}`;
  const method = random(15) === 0 ? pick(["PUT", "PATCH", "HEAD", "OPTIONS"]) : route.method;
  const hasBody = method === "POST" || method === "PUT";
  if (hasBody) headers["content-type"] = random(10) > 0 ? (types[0] ?? "") : pick(types);
  const tail = pick([".json", "", "/", ".json/", "%"].slice(0, random(30) === 0 ? 5 : 4));
  return {
    path: `${path}${tail}${hasBody ? "" : `?${text}`}`,
    init: { method, headers, ...(hasBody ? { body: text } : {}) },
  };
}

function clean(): string {
  return pick(values.filter((value) => !/\p{Surrogate}/u.test(value)));
}

test("no random request is answered as a fault of the server", async () => {
  const faults: string[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    const { path, init } = nextRequest();
    const response = await fetch(app.url + path, init);
    await response.arrayBuffer();
    if (response.status >= 500) faults.push(`${response.status} ${init.method} ${path}`);
  }
  expect({ faults, bugs }).toEqual({ faults: [], bugs: [] });
}, 60_000);
