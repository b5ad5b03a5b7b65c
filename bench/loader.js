/** Sends requests over kept connections, one at a time on each, and times the answers. */
import { connect } from "node:net";
import { endOfMessage, isLast, statusOf } from "./http-bytes.js";
import { latencies } from "./latencies.js";
import { requests } from "./requests.js";

process.on("disconnect", () => process.exit());
process.on("message", (load) =>
  run(load).then(
    (result) => process.send(result),
    (error) => process.send({ error: error.message }),
  ),
);
process.send({});

/** Goes on over all loads, so that no recipient comes twice. */
let lastSerial = 0;

/**
 * `load.kind` names the requests; it ends after `load.seconds`, or after `load.count` requests,
 * whose serials then begin with 1. `load.times`: also when each message was sent, by recipient.
 */
async function run(load) {
  const kind = requests[load.kind];
  const write = kind.writer(load);
  const started = performance.now();
  const end = started + (load.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const result = { accepted: 0, refused: 0, connections: 0, statuses: {}, sent: [] };
  const answersMs = [];
  const serials = createSerials(load.count);
  const next = () => {
    const serial = performance.now() >= end ? undefined : serials();
    return serial && { serial, request: write(serial) };
  };
  const taken = ({ serial, status, answer, sentAt }) => {
    answersMs.push(performance.now() - sentAt);
    const accepted = kind.acceptedOf(status, answer);
    result.accepted += accepted;
    if (load.times) result.sent.push([serial, sentAt + clockBehindMs]);
    if (accepted === kind.messages(load, serial)) return;
    result.refused += kind.messages(load, serial) - accepted;
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
  };
  const opened = () => {
    result.connections += 1;
  };
  const pace = createPace(load.rate ?? 0, started);
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      useConnections({ host: load.host, port: load.port, next, taken, opened, pace }),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    ...{ ...result, seconds, answerMs: latencies(answersMs) },
    ...(load.times ? { answersMs } : {}),
  };
}

const clockBehindMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

function createSerials(count) {
  if (count === undefined) {
    return () => {
      lastSerial += 1;
      return lastSerial;
    };
  }
  let given = 0;
  return () => {
    given += 1;
    return given > count ? undefined : given;
  };
}

/** When the next request is due, for an even rate over all connections; Infinity: no rate. */
function createPace(rate, started) {
  let count = 0;
  return () => {
    if (rate === 0) return Number.POSITIVE_INFINITY;
    count += 1;
    return started + (count * 1000) / rate;
  };
}

/** One connection; a new one when the other side closes it after an answer. */
function useConnections(loop) {
  return new Promise((done, fail) => {
    const open = () => {
      loop.opened();
      useConnection(loop, { done, fail, open });
    };
    open();
  });
}

/** What any of the connections has just read: each has done with it when it returns. */
const received = Buffer.alloc(65_536);

function useConnection({ host, port, next, taken, pace }, { done, fail, open }) {
  const read = (length) => {
    readAnswer(received.subarray(0, length));
    return true;
  };
  const onread = { buffer: received, callback: read };
  const socket = connect({ host, port, noDelay: true, onread });
  let rest;
  let current;
  let sentAt = 0;
  let isWaiting = false;
  const write = (dueAt) => {
    current = socket.destroyed ? undefined : next();
    if (current === undefined) {
      socket.end();
      return socket.destroyed ? open() : done();
    }
    // A request that waited for a free connection was as late for its sender.
    sentAt = Math.min(dueAt, performance.now());
    isWaiting = true;
    socket.write(current.request, "latin1");
  };
  const writeInTime = () => {
    const dueAt = pace();
    const waitMs = dueAt - performance.now();
    if (waitMs > 0 && waitMs < Number.POSITIVE_INFINITY) setTimeout(write, waitMs, dueAt);
    else write(dueAt);
  };
  socket.on("connect", writeInTime);
  socket.on("error", fail);
  socket.on("close", () => isWaiting && fail(new Error("A connection closed without an answer.")));
  const readAnswer = (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    const end = endOfMessage(bytes, 0, bytes.length);
    rest = end === undefined ? Buffer.from(bytes) : undefined;
    if (end === undefined) return;
    isWaiting = false;
    taken({ serial: current.serial, status: statusOf(bytes, 0), answer: bytes, sentAt });
    if (!isLast(bytes, 0, end)) return writeInTime();
    socket.destroy();
    open();
  };
}
