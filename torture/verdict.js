const WINDOW_MS = 1_000;
/** Between Longwave's write and the carrier's stamp, when neither is held up. */
const JITTER_MS = 10;
/** What a stall delayed is stamped at the earliest so long before its end is noticed, */
const STALL_NEAR_MS = 15;
/** and at the latest so long after it: what came meanwhile is read one by one. */
const STALL_READ_MS = 60;
const SHOWN = 5;

/** Compares what was accepted, submitted and delivered. Each line is a finding with its evidence. */
export function judge(evidence) {
  const { posted, inDoubt, submissions, stalls, statuses, delivered, segmentsPerSecond } = evidence;
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
  const fast = bySender(submissions).flatMap((own) => overruns(own, stalls, segmentsPerSecond));
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
      `${twice.length} submitted twice, of ${inDoubt.size} claims open at kills and freezes.`,
      ...findings
        .filter(([, found]) => found.length > 0)
        .map(
          ([what, found]) =>
            `FAULT ${what}: ${found.length}, such as ${found.slice(0, SHOWN).join(" ")}`,
        ),
    ],
  };
}

/** The limit is each sender's own. */
function bySender(submissions) {
  const senders = new Map();
  for (const submission of submissions) {
    const own = senders.get(submission.from);
    if (own === undefined) senders.set(submission.from, [submission]);
    else own.push(submission);
  }
  return [...senders.values()];
}

/**
 * Places where limit + 1 consecutive submissions span less than a second, though the first was not
 * stamped late: a simulator that is held up stamps what it reads then by as much too late.
 */
function overruns(submissions, stalls, limit) {
  const found = [];
  for (let at = limit; at < submissions.length; at += 1) {
    const first = submissions[at - limit].atMs;
    const spanMs = submissions[at].atMs - first;
    if (spanMs >= WINDOW_MS - JITTER_MS) continue;
    const lateMs = Math.max(
      0,
      ...stalls
        .filter(({ endMs }) => first > endMs - STALL_NEAR_MS && first < endMs + STALL_READ_MS)
        .map(({ endMs, lengthMs }) => lengthMs + Math.max(0, first - endMs)),
    );
    if (spanMs + lateMs < WINDOW_MS - JITTER_MS) {
      found.push(`${Math.round(spanMs)} ms (${Math.round(lateMs)} late)`);
    }
  }
  return found;
}
