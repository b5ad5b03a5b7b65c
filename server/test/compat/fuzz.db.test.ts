import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFuzz, type FuzzRequest } from "./fuzz-requests.ts";
import { type StartedApp, startTestApp } from "./started-app.ts";

/** `scripts/fuzz.js` asks for more. */
const REQUESTS = Number(process.env.LONGWAVE_FUZZ_REQUESTS ?? 3_000);
const SEED = Number(process.env.LONGWAVE_FUZZ_SEED ?? 20_261_124);
const AT_ONCE = 4;
/** Refused requests that are sent once more between two looks at the tables. */
const CHUNK = 10;
/** Bytes that a request may leave behind on the heap, for the test's own records and full caches. */
const LEFT_PER_REQUEST_MAX = 1_000;
const HEAP_SLACK = 12 * 1024 * 1024;

let started: StartedApp;
let next: () => FuzzRequest;

beforeAll(async () => {
  started = await startTestApp();
  const { paths } = (await started.call("/longwave/v1/openapi.json")).json;
  next = createFuzz({ ...started.app.firstAccount, paths }, SEED);
});
afterAll(async () => {
  await started?.close();
});

async function ask({ path, init }: FuzzRequest): Promise<number> {
  const response = await fetch(started.app.url + path, init);
  await response.arrayBuffer();
  return response.status;
}

function heapAfterCollection(): number {
  setFlagsFromString("--expose_gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

/** What refused requests must leave alone; a digest of every row that customers own. */
async function digest(): Promise<string> {
  const { sql } = started.database;
  const tables = [
    "accounts",
    "api_keys",
    "inventory",
    "opt_outs",
    "connectors",
    "messages",
    "feedback",
  ];
  const parts = await Promise.all(
    tables.map(
      (table) =>
        sql<
          { sum: string | null }[]
        >`select sum(hashtext(t::text))::text || '/' || count(*) as sum from ${sql(table)} t`,
    ),
  );
  return parts.map(([row]) => row?.sum).join(" ");
}

test("no random request is a fault of the server, stays in memory, or changes what it may not", async () => {
  const tally: Record<number, number> = {};
  const faults: string[] = [];
  const refused: FuzzRequest[] = [];
  const run = async (count: number) => {
    for (let done = 0; done < count; done += AT_ONCE) {
      const requests = Array.from({ length: AT_ONCE }, next);
      const statuses = await Promise.all(requests.map(ask));
      statuses.forEach((status, index) => {
        tally[status] = (tally[status] ?? 0) + 1;
        const request = requests[index];
        if (request === undefined) return;
        if (status >= 500) faults.push(`${status} ${request.init.method} ${request.path}`);
        if (status >= 400 && refused.length < REQUESTS / 5) refused.push(request);
      });
    }
  };
  await run(REQUESTS / 4);
  const before = heapAfterCollection();
  await run((REQUESTS * 3) / 4);
  const after = heapAfterCollection();

  const changed: string[] = [];
  let held = 0;
  for (let start = 0; start < refused.length; start += CHUNK) {
    const chunk = refused.slice(start, start + CHUNK);
    const state = await digest();
    const statuses: number[] = [];
    for (const request of chunk) statuses.push(await ask(request));
    // One that is taken now, because of what came between, may change what it likes.
    if (statuses.some((status) => status < 400)) continue;
    held += chunk.length;
    if ((await digest()) !== state) changed.push(...chunk.map(({ path }) => path));
  }
  const left = after - before;
  process.stdout.write(
    `${REQUESTS} requests: ${JSON.stringify(tally)}; heap after collection ${mib(before)} then ${mib(after)} MiB; ${held} refused once more and nothing changed\n`,
  );
  expect({ faults, changed, bugs: started.bugs }).toEqual({ faults: [], changed: [], bugs: [] });
  expect(held).toBeGreaterThan(REQUESTS / 10);
  expect(left).toBeLessThan(HEAP_SLACK + REQUESTS * LEFT_PER_REQUEST_MAX);
}, 900_000);

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
