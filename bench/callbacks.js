/**
 * Status callbacks per second to one healthy host on this machine, from a log that is full of them,
 * and what each costs. node bench/callbacks.js [--count 40000] [--repeat 3] [--profile]
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { prepare, root } from "../scripts/install.js";
import { cpuOfDescendants } from "./cpu.js";
import { numberOption, options } from "./options.js";
import { createChild } from "./processes.js";
import { cpuByFolder, cpuByFunction } from "./profile.js";

prepare();
const dist = (file) => import(join(root, "server/dist", file));
const { connectDatabase, connectDirect } = await dist("db/connect.js");
const { startEmbedded } = await dist("db/embedded.js");
const { migrate } = await dist("db/migrate.js");
const { createPartitions } = await dist("db/partitions.js");
const { createGuardedDialer } = await dist("lib/guarded-dialer.js");
const { createSeal } = await dist("lib/seal.js");
const { createMessageSids } = await dist("lib/sid.js");
const { createWebhooks } = await dist("webhooks/webhooks.js");

const count = numberOption("count", 40_000);
const repeat = numberOption("repeat", 3);
const clock = () => new Date();

const folder = mkdtempSync(join(tmpdir(), "longwave-bench-"));
chmodSync(folder, 0o755); // as root the cluster lies in it only when PostgreSQL's user may enter
const postgres = await startEmbedded(folder);
const database = await openDatabase(postgres.address);
const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
const sink = await createChild("callback-sink.js");
try {
  await measure(Math.ceil(count / 10)); // compiled code and warm connections
  for (let run = 0; run < repeat; run += 1) console.log(JSON.stringify(await measure(count)));
  if (options.profile === true) console.log(JSON.stringify(await profiled(count), null, 2));
} finally {
  sink.stop();
  await dialer.close();
  await database.close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function openDatabase(address) {
  const direct = connectDirect(address);
  await migrate(direct, join(root, "server/migrations"));
  await createPartitions(direct, clock());
  await direct.end();
  return connectDatabase(address);
}

async function measure(callbacks) {
  await fillLog(callbacks);
  const loadBefore = loadavg()[0];
  const retriesBefore = await retriesMade();
  const { callbacks: received } = await sink.ask({});
  const postgresBefore = postgresCpu();
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const webhooks = startWebhooks();
  const memoryMb = await receivedAll(received + callbacks);
  const seconds = (performance.now() - started) / 1_000;
  await webhooks.close();
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    perSecond: Math.round(callbacks / seconds),
    cpuMicrosEach: Math.round(((user + system) / callbacks) * 10) / 10,
    postgresMicrosEach: Math.round(((postgresCpu() - postgresBefore) * 1e6) / callbacks),
    retries: (await retriesMade()) - retriesBefore,
    memoryMb,
    load: loadBefore,
  };
}

/** The most memory seen until the sink has received this many. */
async function receivedAll(callbacks) {
  let memoryMb = 0;
  while ((await sink.ask({})).callbacks < callbacks) {
    memoryMb = Math.max(memoryMb, Math.round(process.memoryUsage.rss() / 2 ** 20));
    await new Promise((done) => setTimeout(done, 50));
  }
  return memoryMb;
}

async function profiled(callbacks) {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await measure(callbacks);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return {
    byFolder: cpuByFolder(profile, callbacks),
    byFunction: cpuByFunction(profile, callbacks),
  };
}

function startWebhooks() {
  const seal = createSeal(Buffer.alloc(32, 1));
  return createWebhooks({
    ...{ sql: database.hot, clock, seal, dialer },
    sids: createMessageSids(seal.keyFor("message-sid")),
    accountToken: () => "0".repeat(32),
    accountSid: () => `AC${"0".repeat(32)}`,
    senderOf: () => undefined,
    findMessage: async () => undefined,
    reply: async () => undefined,
  });
}

/** Two statuses a message, as carriers with receipts make them. */
async function fillLog(callbacks) {
  const callback = `http://127.0.0.1:${sink.hello.port}/status`;
  const data = { from: "+14155552671", to: "+12025550123", callback };
  await database.sql`
    with writer as (insert into writers (owner, is_closed) values ('bench', true) returning writer)
    insert into events (writer, seq, day, at, kind, account, id, data)
    select writer, number, current_date, now(), (array['sent', 'delivered'])[1 + number % 2], 1,
      number / 2, ${database.sql.json(data)}
    from writer, generate_series(1, ${callbacks}) as number
  `;
}

async function retriesMade() {
  const [row] = await database.sql`
    select case when is_called then last_value else 0 end as made from retries_retry_seq
  `;
  return Number(row.made);
}

function postgresCpu() {
  return cpuOfDescendants(process.pid) - sink.cpu();
}
