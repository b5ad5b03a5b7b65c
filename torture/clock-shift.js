/**
 * Given to a Longwave by `node --import`: its wall clock runs beside the machine's by as many
 * milliseconds as the file TORTURE_CLOCK says. The monotonic clock is left alone, as by whoever
 * sets a machine's clock.
 */
import { readFileSync } from "node:fs";

const LOOK_MS = 20;
const RealDate = Date;
let shiftMs = 0;

const look = () => {
  try {
    shiftMs = Number(readFileSync(process.env.TORTURE_CLOCK, "utf8")) || 0;
  } catch {
    // Not written yet.
  }
};
look();
setInterval(look, LOOK_MS).unref();

const now = () => RealDate.now() + shiftMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, as) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, as === Date ? target : as),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
