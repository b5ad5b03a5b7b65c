import type { Socket } from "node:net";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConnectorEvents } from "../../src/connectors/connector.ts";
import { parseSmppSettings } from "../../src/connectors/smpp/settings.ts";
import { createSmppConnector } from "../../src/connectors/smpp/smpp-connector.ts";
import { createEventWriter } from "../../src/events/log.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { createIdWriter } from "../../src/lib/message-id.ts";
import { receiveText } from "../../src/messages/inbound.ts";
import { createInboundAnswers, type InboundAnswers } from "../../src/messages/inbound-answers.ts";
import { type Simulator, simulatorLogin, startSimulator } from "../../src/simulator/simulator.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

let database: TestDatabase;
let simulator: Simulator;
let answers: InboundAnswers;
const number = "+15005550100";
const phone = "+12025550161";
const onError = (error: unknown) => {
  throw error;
};

beforeAll(async () => {
  database = await createTestDatabase();
  simulator = await startSimulator({ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 1, clock });
  answers = createInboundAnswers({ sql: database.sql, clock, onError });
});
afterAll(async () => {
  await answers.close();
  await simulator.close();
  await database.close();
});

const carrier = { carrierAccount: "simulator", isSimulated: true, optOutsUpstream: false };

/** A process with a bind to the simulator; `onStored` runs between the storing and the answer. */
function startProcess(onStored: (socket: Socket | undefined) => void) {
  let socket: Socket | undefined;
  const { sql } = database;
  const app = {
    ...{ sql, clock, newId: createIdWriter(1, () => clock().getTime()), answers },
    writers: [createEventWriter({ sql, owner: "test" })],
    numberOf: () => ({
      ...{ account: 1, number, kind: "long_code" as const, smsUrl: "" },
      ...{ segmentsPerSecond: 1, maxQueueSeconds: 36_000, connector: "simulator" },
    }),
    accept: () => Promise.reject(new Error("No text here has a keyword.")),
    onReceived: () => undefined,
  };
  const onInbound: ConnectorEvents["onInbound"] = async (_name, part, bind) => {
    const onFate = await receiveText(app, { carrier, bind }, part);
    onStored(socket);
    return onFate;
  };
  return createSmppConnector({
    ...{ name: "simulator", ...carrier, clock, random: () => 0 },
    settings: parseSmppSettings({ host: "127.0.0.1", port: simulator.port, ...simulatorLogin }),
    connectSocket: (host, port) =>
      new Promise((resolve, reject) => {
        const opened = connect({ host, port }, () => resolve(opened));
        opened.once("error", reject);
        socket = opened;
      }),
    events: {
      ...{ onInbound, onReady: () => undefined, onReceipt: () => Promise.resolve() },
    },
  });
}

const bodies = async () =>
  (await database.sql<{ body: string }[]>`select body from messages order by id`).map(
    ({ body }) => body,
  );

test("texts whose bind is lost between storing and answer are stored once, the same word twice is two", async () => {
  const long = "A long one. ".repeat(20);
  let cuts = 0;
  const connector = startProcess((socket) => {
    cuts += 1;
    if (cuts === 1 || cuts === 4) socket?.destroy();
  });
  await expect.poll(() => connector.state().phase).toBe("bound");
  for (const body of ["Yes", long, "Last"]) simulator.inject({ from: phone, to: number, body });
  await expect.poll(bodies).toHaveLength(3);
  await expect.poll(() => database.sql`select from unanswered_texts`).toHaveLength(0);
  expect(cuts).toBeGreaterThan(4);
  expect((await bodies()).toSorted()).toEqual([long, "Last", "Yes"]);
  simulator.inject({ from: phone, to: number, body: "Yes" });
  await expect.poll(bodies).toHaveLength(4);
  await connector.close();
});
