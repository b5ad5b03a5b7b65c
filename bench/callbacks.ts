/**
 * Status callbacks per second to one host on loopback and our CPU per callback. Takes the URL of an
 * empty PostgreSQL database that has the schema and today's partitions:
 * node callbacks.js postgres://localhost/bench
 */
import { fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import postgres from "postgres";
import { systemClock } from "../server/src/lib/clock.ts";
import { createGuardedDialer } from "../server/src/lib/guarded-dialer.ts";
import { createIdWriter } from "../server/src/lib/message-id.ts";
import { createSeal } from "../server/src/lib/seal.ts";
import { createMessageSids } from "../server/src/lib/sid.ts";
import { createWebhooks } from "../server/src/webhooks/webhooks.ts";

const CALLBACKS = 40_000;
const [, file, argument = ""] = process.argv;

if (argument === "receiver") receive();
else await measure(argument);

function receive(): void {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
}

async function measure(databaseUrl: string): Promise<void> {
  const receiver = fork(file ?? "", ["receiver"]);
  const port = await new Promise<number>((resolve) => receiver.once("message", resolve));
  const sql = postgres(databaseUrl, { types: { bigint: postgres.BigInt } });
  await fillLog(sql, `http://127.0.0.1:${port}/status`);

  const seal = createSeal(Buffer.alloc(32, 1));
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  let asked = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const webhooks = createWebhooks({
    sql,
    clock: systemClock,
    newId: createIdWriter(0, Date.now),
    sids: createMessageSids(seal.keyFor("message-sid")),
    seal,
    dialer: {
      request: async (request) => {
        const answer = await dialer.request(request);
        asked += 1;
        if (asked === CALLBACKS) finish();
        return answer;
      },
    },
    accountToken: () => "0".repeat(32),
    accountSid: () => `AC${"0".repeat(32)}`,
    senderOf: () => undefined,
    findMessage: async () => undefined,
    reply: async () => undefined,
  });
  await finished;
  const seconds = (performance.now() - started) / 1_000;
  await webhooks.close();
  const { user, system } = process.cpuUsage(cpu);
  const micros = (user + system) / CALLBACKS;
  console.log(`${Math.round(CALLBACKS / seconds)} callbacks/s, ${micros.toFixed(1)} µs CPU each`);
  await dialer.close();
  await sql.end();
  receiver.kill();
}

async function fillLog(sql: postgres.Sql<{ bigint: bigint }>, callback: string): Promise<void> {
  const data = { from: "+14155552671", to: "+12025550123", callback };
  await sql`
    with writer as (insert into writers (owner, is_closed) values ('bench', true) returning writer)
    insert into events (writer, seq, day, at, kind, account, id, data)
    select writer, number, current_date, now(), 'delivered', 1, number, ${sql.json(data)}
    from writer, generate_series(1, ${CALLBACKS}) as number
  `;
}
