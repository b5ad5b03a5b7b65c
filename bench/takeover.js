import { join } from "node:path";
import { latencies } from "./latencies.js";
import { startLongwave } from "./longwave.js";
import { measure, perSecond } from "./measure.js";
import { bulkCount } from "./requests.js";
import { addSenders, connectTo, fillQueue, senderNumber } from "./senders.js";
import { startStage } from "./stage.js";

const BULK_CONNECTIONS = 2;
/** The longest queue that a sender may have, for ten million in a few lanes. */
const QUEUE_SECONDS_MAX = 36_000;
/** What each lane has to send when nothing else is queued: more than the pause may last. */
const WORK_SECONDS = 30;
/** Watched after the end: far longer than the pause may last. */
const WATCH_MS = 15_000;
const LOOK_MS = 200;
const SETTLE_MS_MAX = 60_000;

export const takeover = {
  summary:
    "an owner is killed: how long its lanes pause, with hardly anything and with much queued",
  options: { count: 1_000_000, lanes: 64, "per-second": 5, window: 100, "receipt-ms": 100 },
  run: async (options, folder) => {
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const place = join(folder, "longwave");
    const longwave = await startLongwave({
      ...{ folder: place, carrier: stage.carrier, window: options.window },
      // The second is killed: the first has PostgreSQL, which must outlive it.
      roles: ["api,dispatch,webhooks", "dispatch,webhooks"],
    });
    const rate = options["per-second"];
    const senders = Array.from({ length: options.lanes }, (_, index) => senderNumber(index));
    const withRate = senders.map((number) => ({ number, rate }));
    await addSenders(longwave, place, withRate, { maxQueueSeconds: QUEUE_SECONDS_MAX });
    const sql = await connectTo(place);
    const fill = async (messages) => {
      const load = { ...longwave.target, kind: "spreadBulk", senders, messages };
      return stage.load({ ...load, count: bulkCount(messages), connections: BULK_CONNECTIONS });
    };
    const round = () => killAndWatch({ sql, stage, longwave, senders });
    await fill(senders.length * rate * WORK_SECONDS);
    const empty = await measure(longwave.cpu, round);
    const filled = options.direct
      ? await fillQueue(place, senders, options.count)
      : await fill(options.count);
    const full = await measure(longwave.cpu, round);
    await sql.end();
    await longwave.stop();
    return {
      hardlyQueued: { ...empty.value, load: empty.load },
      filled: {
        ...{ accepted: filled.accepted, refused: filled.refused },
        perSecond: perSecond(filled.accepted, filled.seconds),
      },
      muchQueued: { ...full.value, load: full.load },
    };
  },
};

async function killAndWatch({ sql, stage, longwave, senders }) {
  const ownerOf = await equalParts(sql);
  const before = await untilAllSend(stage, senders);
  const [queue] = await sql`select count(*)::int as rows from queue`;
  const killedAtMs = machineMs();
  await longwave.killLast();
  await new Promise((done) => setTimeout(done, WATCH_MS));
  const came = await stage.carrier.submissionsAfter(before);
  const living = (await sql`select owner from owners`).map(({ owner }) => owner);
  const own = new Set(senders.filter((sender) => !living.includes(ownerOf.get(sender))));
  await longwave.startLast();
  const pauses = new Map(senders.map((sender) => [sender, pauseOf(came, sender, killedAtMs)]));
  const of = (isOwn) => senders.filter((sender) => own.has(sender) === isOwn);
  const pausesOf = (which) => which.flatMap((sender) => pauses.get(sender) ?? []);
  return {
    queued: queue.rows,
    lanesOfTheDead: own.size,
    neverSentAgain: of(true).filter((sender) => pauses.get(sender) === undefined).length,
    pauseMs: latencies(pausesOf(of(true))),
    othersPauseMs: latencies(pausesOf(of(false))),
  };
}

/** The longest time without a submission since the last one before the end; nothing when none came after it. */
function pauseOf(came, sender, killedAtMs) {
  const times = came.flatMap(({ from, atMs }) => (`+${from}` === sender ? [atMs] : []));
  const after = times.slice(times.findLastIndex((atMs) => atMs <= killedAtMs));
  if (after.length < 2) return undefined;
  return Math.max(...after.slice(1).map((atMs, place) => atMs - after[place]));
}

/** Once the two have equal parts: who owns each sender's lane. */
async function equalParts(sql) {
  const deadline = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadline) {
    const parts = await sql`
      select count(*)::int as shards
      from shards
      where owner is not null
      group by owner
    `;
    if (parts.length === 2 && parts.every(({ shards }) => shards === 128)) {
      const rows = await sql`select sender, owner from lanes join shards using (shard)`;
      return new Map(rows.map(({ sender, owner }) => [sender, owner]));
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  throw new Error("The two processes did not share the shards.");
}

/** After which of the carrier's submissions each lane has sent. */
async function untilAllSend(stage, senders) {
  const deadline = performance.now() + SETTLE_MS_MAX;
  const first = (await stage.carrier.submissionsAfter(0)).at(-1)?.sequence ?? 0;
  while (performance.now() < deadline) {
    const came = await stage.carrier.submissionsAfter(first);
    if (new Set(came.map(({ from }) => from)).size === senders.length) return first;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  throw new Error("Not every lane has sent.");
}

/** As the carrier's stamps. */
function machineMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
