/** Milliseconds in the middle, and those that all but 5 % and 1 % keep. */
export function latencies(all) {
  const sorted = all.toSorted((one, two) => one - two);
  const at = (share) =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
