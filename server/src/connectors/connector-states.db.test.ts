import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import type { Connector, ConnectorState } from "./connector.ts";
import { connectorStates, reportConnectorStates } from "./connector-states.ts";

let database: TestDatabase;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  for (const close of closers) await close();
  await database.close();
});

const lost: ConnectorState = {
  ...{ phase: "reconnecting", cause: "The carrier refused the bind." },
  nextAttemptAt: new Date("2026-11-24T12:00:00Z"),
};

/** A process that runs connectors in these states, which the test may change. */
function startProcess(owner: string, states: Record<string, ConnectorState>) {
  const connectors = new Map<string, Connector>();
  for (const name of Object.keys(states)) {
    const state = () => states[name] ?? lost;
    connectors.set(name, { name, state } as Connector);
  }
  const { sql } = database;
  const onError = (error: unknown) => {
    throw error;
  };
  const { close } = reportConnectorStates({ sql, owner, connectors, onError });
  closers.push(close);
  return { states, connectors, close };
}

/** As a process sees it that runs none itself. */
const seen = async (name: string) => {
  const of = { sql: database.sql, owner: "api", connectors: new Map() };
  return (await connectorStates(of))(name);
};

test("a connector stands as all processes together say, whoever is asked", async () => {
  const one = startProcess("one", { acme: { phase: "bound", window: 10, inFlight: 2 } });
  await expect.poll(() => seen("acme")).toMatchObject({ phase: "bound", window: 10 });
  const two = startProcess("two", { acme: { phase: "bound", window: 10, inFlight: 3 } });
  await expect.poll(() => seen("acme")).toMatchObject({ window: 20, inFlight: 5 });
  const own = { sql: database.sql, owner: "one", connectors: one.connectors };
  one.states.acme = { phase: "bound", window: 10, inFlight: 9 };
  expect((await connectorStates(own))("acme")).toMatchObject({ window: 20, inFlight: 12 });
  one.states.acme = lost;
  await expect.poll(() => seen("acme")).toMatchObject({ phase: "bound", window: 10 });
  two.states.acme = lost;
  await expect.poll(() => seen("acme")).toEqual(lost);
  await Promise.all([one.close(), two.close()]);
  expect(await seen("acme")).toBeUndefined();
});

test("what was told by a process that ended without a word counts no more, nor a connector removed", async () => {
  const one = startProcess("three", { acme: lost, removed: lost });
  await expect.poll(() => seen("removed")).toEqual(lost);
  one.connectors.delete("removed");
  await expect.poll(() => seen("removed")).toBeUndefined();
  expect(await seen("acme")).toEqual(lost);
  const { sql } = database;
  await sql`
    insert into connector_states (connector, owner, told_at, state)
    values ('dead', 'four', now() - interval '11 seconds', '{"phase": "connecting"}')
  `;
  expect(await seen("dead")).toBeUndefined();
  const left = async () => (await sql`select 1 from connector_states where owner = 'four'`).length;
  await expect.poll(left).toBe(0);
});
