/**
 * The whole cycle: one POST a message, durable, SMPP to the simulator, receipt, two callbacks
 * received. Everything on this machine. Options: --seconds 10, --connections 64, --rate 0 (POSTs a
 * second; 0: as fast as answers come), --profile (CPU by folder of the server), --json.
 */
import { createChild } from "./child.js";
import { numberOption, options } from "./options.js";
import { cpuByFolder, readProfile } from "./profile.js";
import { startServer } from "./server.js";

const SENDER = "55501";
const SEGMENTS_PER_SECOND = 10_000;
const DRAIN_MS_MAX = 60_000;

const seconds = numberOption("seconds", 10);
const connections = numberOption("connections", 64);
const rate = numberOption("rate", 0);

const server = await startServer({ profile: options.profile === true });
const sink = await createChild("callback-sink.js", {});
const loader = await createChild("loader.js", {});
try {
  await server.addSender(SENDER, SEGMENTS_PER_SECOND);
  const load = {
    ...{ url: server.url, authorization: server.authorization, accountSid: server.accountSid },
    ...{ from: SENDER, callback: `http://127.0.0.1:${sink.hello.port}/status`, connections, rate },
  };
  await loader.ask({ ...load, seconds: 3 });
  await drained(0);
  const before = { cpu: server.cpu(), sink: await sink.ask({}), loader: loader.cpu() };
  const sinkCpu = sink.cpu();
  const started = performance.now();
  const sent = await loader.ask({ ...load, seconds });
  const callbacks = before.sink.delivered + sent.accepted;
  const isWhole = await drained(callbacks);
  const wallSeconds = (performance.now() - started) / 1000;
  const cpu = server.cpu();
  const each = (from, to) => Math.round(((to - from) * 1e6) / sent.accepted);
  const result = {
    accepted: sent.accepted,
    refused: sent.refused,
    wholePerSecond: Math.round(sent.accepted / wallSeconds),
    acceptPerSecond: Math.round(sent.accepted / sent.seconds),
    acceptMs: sent.latencyMs,
    everyCallbackCame: isWhole,
    cpuMicrosPerMessage: {
      longwaveWithSimulator: each(before.cpu.longwave, cpu.longwave),
      postgres: each(before.cpu.postgres, cpu.postgres),
      loader: each(before.loader, loader.cpu()),
      callbackSink: each(sinkCpu, sink.cpu()),
    },
    memoryMb: server.memoryMb(),
  };
  await server.stop();
  if (options.profile === true)
    result.cpuByFolder = cpuByFolder(readProfile(server.profileFolder), sent.accepted);
  console.log(JSON.stringify(result, null, 2));
} finally {
  await server.stop();
  loader.stop();
  sink.stop();
}

/** Waits until this many messages were told delivered; false when it takes too long. */
async function drained(count) {
  const deadline = performance.now() + DRAIN_MS_MAX;
  let last = -1;
  for (;;) {
    const { delivered } = await sink.ask({});
    if (count > 0 ? delivered >= count : delivered === last) return true;
    if (performance.now() > deadline) {
      process.stderr.write(`Only ${delivered} of ${count} came.\n`);
      return false;
    }
    last = delivered;
    await new Promise((done) => setTimeout(done, count > 0 ? 20 : 1_500));
  }
}
