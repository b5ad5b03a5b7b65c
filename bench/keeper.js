/**
 * Stops the benchmark's programs and removes its folder when it was killed and could not. One
 * SIGTERM each: Longwave takes a second one as an order to drop everything.
 */
import { rmSync } from "node:fs";

const LOOK_MS = 100;
const STOP_MS_MAX = 30_000;
const pids = new Set();
let folder;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("message", (message) => {
  if (message.started !== undefined) pids.add(message.started);
  if (message.ended !== undefined) pids.delete(message.ended);
  if (message.folder !== undefined) folder = message.folder;
});
process.on("disconnect", async () => {
  for (const pid of pids) send(pid, "SIGTERM");
  const deadline = performance.now() + STOP_MS_MAX;
  while ([...pids].some((pid) => send(pid, 0)) && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  for (const pid of pids) send(pid, "SIGKILL");
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit();
});

/** False: there is no such process any more. */
function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
