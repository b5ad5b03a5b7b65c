import { latenessOf } from "../bench/idles.js";

const WINDOW_MS = 1_000;
/** What two clocks' rounding may make. */
const ROUNDING_MS = 2;
const SHOWN = 5;

/** Compares what was accepted, submitted and delivered. Each line is a finding with its evidence. */
export function judge(evidence) {
  const { posted, doubts, submissions, statuses, delivered, segmentsPerSecond } = evidence;
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
  const unexplained = twice.filter((number) => !doubts.recipients.has(number));
  const unknown = [...counts.keys()].filter(
    (number) => !recipients.has(number) && !posted.uncertain.has(number),
  );
  const fast = bySender(submissions).flatMap((own) => overruns(own, evidence));
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
      `${twice.length} submitted twice, of ${doubts.recipients.size} whose claims outlived a right; ${doubts.endedCount} rights ended.`,
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
 * Places where limit + 1 consecutive submissions span less than a second, also if the first one
 * came as long before its stamp as the simulator was busy or held up. Each with what tells which
 * process and which fault it was: when it began, and how many came by which bind.
 */
function overruns(submissions, { idles, segmentsPerSecond: limit, beganAtMs }) {
  const found = [];
  for (let at = limit; at < submissions.length; at += 1) {
    const window = submissions.slice(at - limit, at + 1);
    const [first] = window;
    const spanMs = submissions[at].atMs - first.atMs;
    if (spanMs >= WINDOW_MS - ROUNDING_MS) continue;
    const lateMs = latenessOf(idles, first.atMs);
    if (spanMs + lateMs >= WINDOW_MS - ROUNDING_MS) continue;
    const binds = new Map();
    for (const { bind } of window) binds.set(bind, (binds.get(bind) ?? 0) + 1);
    const by = [...binds].map(([bind, count]) => `${count} by bind ${bind}`).join(", ");
    found.push(
      `${first.from} from ${Math.round(first.atMs - beganAtMs)} ms on in ${Math.round(spanMs)} ms (${Math.round(lateMs)} late; ${by});`,
    );
  }
  return found;
}
