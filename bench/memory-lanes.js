import { prepare } from "../scripts/install.js";

const SHARDS = 256;
const CLAIM_MS = 5;
const ANSWER_MS = 20;
const SWEEP_MS = 1_000;
const WAYS_EVERY = 10;
/** Message numbers of a lane are the low bits of its ids. */
const NUMBER_BITS = 22n;
const never = new Date(8.64e15);
const leaving = { claimedAt: new Date(0), isWhole: false };

/**
 * Lanes from the queue to the carrier, of one owner and in real time: the program's own book, pump,
 * reader, sweep, reports, limiters and writer. The database and the carrier are the far ends, in memory.
 */
export async function startMemoryLanes({ rates, waiting, window }) {
  const parts = await loadParts();
  const claimed = new Uint32Array(rates.length);
  const stored = new Uint32Array(rates.length);
  const taken = new Set();
  const carrier = createCarrier(window, () => pump.soon());
  const hot = createQueue(claimed, stored);
  const book = parts.createLaneBook({
    limiters: parts.createLimiters(),
    isTaken: (id) => taken.has(id),
    assign: () => undefined,
    routeOf: ({ lane }) => ({ connector: carrier.connector, segmentsPerSecond: rates[lane] }),
  });
  const onError = (error) => {
    throw error;
  };
  const writer = parts.createPartWriter({
    ...{ clock: () => new Date(), carrierKey: (id) => id, epochOf: () => 1n, onError },
    depart: ({ claim }) => {
      taken.delete(claim.id);
      offer(claim.lane);
    },
    ...{ hold: () => undefined, lose: () => undefined, isPaused: book.isPaused },
    ...{ giveBack: () => undefined, postpone: () => undefined, pick: () => undefined },
    ...{ random: Math.random, connectorNamed: () => carrier.connector, onTaken: () => pump.soon() },
    rerouter: { record: () => Promise.resolve(true) },
  });
  const claimer = createClaims(parts, { writer, claimed, taken, onWritten: () => pump.soon() });
  const epochOf = () => 1n;
  const onRead = (lane) => {
    book.touch(lane);
    pump.soon();
  };
  const reader = parts.createLaneReader({ hot, onRead, onError });
  const pump = parts.createPump({ book, claimer, reader, epochOf });
  const clock = () => new Date();
  const reporter = parts.createLaneReporter({ hot, clock, book, epochOf });
  const nothing = () => Promise.resolve();
  const machine = { book, claimer, writer, pump, reporter };
  const swept = { ...machine, later: { moveDue: nothing }, doubts: { recover: nothing } };
  let sweeps = 0;
  const sweeping = setInterval(() => {
    sweeps += 1;
    const looksAtWays = sweeps % WAYS_EVERY === 0;
    parts.sweep({ hot, clock, epochOf }, swept, { looksAtWays }).catch(onError);
  }, SWEEP_MS);

  const offer = (lane) => {
    stored[lane] += 1;
    book.offer(rowOf(lane, stored[lane]), keyOf(lane));
    pump.soon();
  };
  book.setPaused(
    Array.from({ length: SHARDS }, (_, shard) => shard),
    [],
  );
  return {
    /** The first messages of a lane; each that leaves is followed by another. */
    begin: (lane) => {
      for (let count = waiting(rates[lane]); count > 0; count -= 1) offer(lane);
    },
    submitted: carrier.submitted,
    close: async () => {
      clearInterval(sweeping);
      pump.close();
      await writer.close();
    },
  };
}

async function loadParts() {
  prepare();
  const files = ["lane-book", "lane-reader", "lane-reporter", "pump", "sweep", "write-parts"];
  const modules = await Promise.all([
    ...[...files, "flight"].map((file) => import(`../server/dist/messages/${file}.js`)),
    import("../server/dist/throughput/limiters.js"),
  ]);
  return Object.assign({}, ...modules);
}

/** Answers the statement that reads heads; every lane has endless messages, of which some are stored. */
function createQueue(claimed, stored) {
  const numbersOf = (literal) => JSON.parse(`[${literal.slice(1, -1)}]`);
  return (statement, ...values) => {
    if (!statement.some((words) => words.includes("limit head.most"))) return Promise.resolve([]);
    const [, lanes, priorities, mosts] = values.map(numbersOf);
    const rows = lanes.flatMap((lane, place) => {
      const count = priorities[place] === 2 ? stored[lane] - claimed[lane] : 0;
      const first = claimed[lane] + 1;
      return Array.from({ length: Math.min(count, mosts[place]) }, (_, index) =>
        rowOf(lane, first + index),
      );
    });
    return new Promise((done) => setTimeout(done, CLAIM_MS, rows));
  };
}

/** Claims go in batches, as to a database. */
function createClaims({ createFlight, partsOf }, { writer, claimed, taken, onWritten }) {
  let batch = [];
  const write = () => {
    const claims = batch;
    batch = [];
    for (const { lane, claim } of claims) {
      claimed[claim.lane] = Number(claim.id & ((1n << NUMBER_BITS) - 1n));
      const flight = createFlight({ claim, message: messageOf(claim) }, leaving);
      writer.add(lane, partsOf(flight));
    }
    for (const lane of new Set(claims.map((one) => one.lane))) writer.write(lane);
    onWritten();
  };
  return {
    take: (lane, queued, { connector, epoch, charges }) => {
      if (taken.has(queued.id)) return false;
      taken.add(queued.id);
      const { shard, priority, id, attempt, segments, validUntil } = queued;
      const row = { shard, lane: queued.lane, priority, id, attempt, segments, validUntil };
      batch.push({ lane, claim: { ...row, connector, epoch, charges } });
      if (batch.length === 1) setTimeout(write, CLAIM_MS);
      return true;
    },
  };
}

/** Takes what comes and answers in the order of coming, some at once. */
function createCarrier(window, onFree) {
  const open = [];
  let submitted = 0;
  let isWaiting = false;
  const answerIn = (ms) => {
    if (!isWaiting) setTimeout(answer, ms);
    isWaiting = true;
  };
  const answer = () => {
    isWaiting = false;
    const until = performance.now() - ANSWER_MS;
    const answered = open.findIndex(({ at }) => at > until);
    for (const { id, done } of open.splice(0, answered === -1 ? open.length : answered))
      done({ kind: "accepted", carrierMessageId: id });
    if (open.length > 0) answerIn(ANSWER_MS / 2);
    onFree();
  };
  return {
    submitted: () => submitted,
    connector: {
      ...{ name: "carrier", carrierAccount: "carrier", isSimulated: false, optOutsUpstream: false },
      freeSlots: () => window - open.length,
      submit: ({ id }) => {
        submitted += 1;
        answerIn(ANSWER_MS);
        return new Promise((done) => open.push({ id: String(id), at: performance.now(), done }));
      },
      state: () => ({ phase: "bound", window, inFlight: open.length }),
      close: () => Promise.resolve(),
    },
  };
}

const keyOf = (lane) => ({
  ...{ shard: lane % SHARDS, lane, account: 1, pool: `+1${lane}`, sender: `+1${lane}` },
});

function rowOf(lane, number) {
  const id = (BigInt(lane) << NUMBER_BITS) | BigInt(number);
  const row = { shard: lane % SHARDS, lane, priority: 2, id, attempt: 1, segments: 1 };
  return { ...row, validUntil: never };
}

function messageOf({ id, lane }) {
  return {
    ...{ id, errorCode: null, account: 1, sender: `+1${lane}`, recipient: "+12025550123" },
    ...{ body: "Hello", statusCallback: null, isSimulated: false, whenUnknown: "resend" },
    options: null,
  };
}
