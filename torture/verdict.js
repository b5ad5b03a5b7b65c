const WINDOW_MS = 1_000;
/** Stamps are taken where the carrier reads; a stall of either process moves them by this much. */
const JITTER_MS = 50;
const SHOWN = 5;

/** Compares what was accepted, submitted and delivered. Each line is a finding with its evidence. */
export function judge({ posted, inDoubt, submissions, statuses, delivered, segmentsPerSecond }) {
  const counts = new Map();
  for (const { to } of submissions) {
    const number = `+${to.replace(/^\+/, "")}`;
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  const accepted = [...posted.accepted];
  const recipients = new Set(posted.accepted.values());
  const lost = accepted.filter(([, number]) => !counts.has(number));
  const unfinished = accepted.filter(([, number]) => statuses.get(number) !== "delivered");
  const untold = accepted.filter(([sid]) => !delivered.has(sid));
  const twice = [...counts].filter(([, count]) => count > 1).map(([number]) => number);
  const unexplained = twice.filter((number) => !inDoubt.has(number));
  const unknown = [...counts.keys()].filter(
    (number) => !recipients.has(number) && !posted.uncertain.has(number),
  );
  const fast = overruns(submissions, segmentsPerSecond);
  const findings = [
    ["accepted, never submitted", lost.map(([, number]) => number)],
    ["accepted, not delivered at the end", unfinished.map(([, number]) => number)],
    ["delivered callback never came", untold.map(([, number]) => number)],
    ["submitted twice without an open claim", unexplained],
    ["submitted, never posted", unknown],
    [`more than ${segmentsPerSecond} segments in a second`, fast],
  ];
  const refusals = [...posted.refused].map(([code, count]) => `${code}: ${count}`).join(", ");
  return {
    faults: findings.reduce((sum, [, found]) => sum + found.length, 0),
    lines: [
      `${accepted.length} accepted, ${posted.uncertain.size} without an answer, refused ${refusals || 0}; ${submissions.length} submitted.`,
      `${twice.length} submitted twice, of ${inDoubt.size} claims open at kills.`,
      ...findings
        .filter(([, found]) => found.length > 0)
        .map(
          ([what, found]) =>
            `FAULT ${what}: ${found.length}, such as ${found.slice(0, SHOWN).join(" ")}`,
        ),
    ],
  };
}

/** Places where limit + 1 consecutive submissions span less than a second. */
function overruns(submissions, limit) {
  const found = [];
  for (let at = limit; at < submissions.length; at += 1) {
    const spanMs = submissions[at].atMs - submissions[at - limit].atMs;
    if (spanMs < WINDOW_MS - JITTER_MS) found.push(`${Math.round(spanMs)} ms`);
  }
  return found;
}
