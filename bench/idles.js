/**
 * Notes when this process had read all that had come: whenever its loop waited for something to do.
 * However long the machine holds it up, its stamps are late by no more than since then. Returns the
 * growing list: what it stamps from `atMs` on came after `sinceMs`.
 */
export function watchIdles(tickMs) {
  const idles = [];
  let last = { atMs: performance.now(), idleMs: 0 };
  const timer = setInterval(() => {
    const now = { atMs: performance.now(), idleMs: performance.eventLoopUtilization().idle };
    if (now.idleMs > last.idleMs) idles.push({ atMs: now.atMs, sinceMs: last.atMs });
    last = now;
  }, tickMs);
  timer.unref();
  return idles;
}

/** By how much a stamp may be later than what it stamps. */
export function latenessOf(idles, atMs) {
  const idle = idles.findLast((one) => one.atMs <= atMs);
  return atMs - (idle?.sinceMs ?? 0);
}
