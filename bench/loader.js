/** Posts messages over kept connections, one request at a time on each, and times the answers. */
import { connect } from "node:net";

process.on("message", (load) => run(load).then((result) => process.send(result)));
process.send({});

let serial = 0;

async function run(load) {
  const { hostname, port } = new URL(load.url);
  const started = performance.now();
  const end = started + load.seconds * 1000;
  const result = { accepted: 0, refused: 0, statuses: {} };
  const latencies = [];
  const next = () => {
    if (performance.now() >= end) return undefined;
    serial += 1;
    return requestOf(load, serial);
  };
  const taken = (status, ms) => {
    latencies.push(ms);
    if (status === 201) result.accepted += 1;
    else {
      result.refused += 1;
      result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    }
  };
  const pace = createPace(load.rate, started);
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      useConnection({ hostname, port: Number(port), next, taken, pace }),
    ),
  );
  latencies.sort((a, b) => a - b);
  const at = (share) => Number(latencies[Math.floor(latencies.length * share)]?.toFixed(1));
  return {
    ...result,
    seconds: (performance.now() - started) / 1000,
    latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(0.999999) },
  };
}

/** When the next request may go, for an even rate over all connections. */
function createPace(rate, started) {
  let count = 0;
  return () => {
    if (rate === 0) return 0;
    count += 1;
    return started + (count * 1000) / rate - performance.now();
  };
}

function requestOf(load, number) {
  const to = `%2B1202555${String(number % 10_000).padStart(4, "0")}`;
  const body = `To=${safe(to)}&From=${load.from}&Body=Your+code+is+${number}.+It+works+for+ten+minutes.&StatusCallback=${encodeURIComponent(load.callback)}`;
  return `POST /2010-04-01/Accounts/${load.accountSid}/Messages.json HTTP/1.1\r\nHost: bench\r\nAuthorization: ${load.authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The last digits choose the simulator's faults from 9901 on. */
function safe(to) {
  return to.replace(/9\d\d\d$/, (digits) => `0${digits.slice(1)}`);
}

function useConnection({ hostname, port, next, taken, pace }) {
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port });
    let rest = "";
    let sentAt = 0;
    const post = () => {
      const waitMs = pace();
      if (waitMs > 0) return void setTimeout(write, waitMs);
      write();
    };
    const write = () => {
      const request = next();
      if (request === undefined) {
        socket.end();
        return done();
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.on("connect", post);
    socket.on("error", fail);
    socket.on("data", (chunk) => {
      rest += chunk.toString("latin1");
      const head = rest.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0);
      if (rest.length < head + 4 + length) return;
      const status = Number(rest.slice(9, 12));
      rest = rest.slice(head + 4 + length);
      taken(status, performance.now() - sentAt);
      post();
    });
  });
}
