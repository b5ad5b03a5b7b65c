import type { Sql } from "../db/sql.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import { type LaneReport, seeLane } from "./lane-report.ts";
import { type ReportRow, writeReports } from "./lane-store.ts";
import type { LaneRow } from "./queue-store.ts";

/** Lanes told of at once; of more than that each has its turn within ten seconds. */
const REPORTED_MAX = 1_000;
const REPORT_MS = 900;
/** What is measured: the departures of so many seconds. */
const MEASURED_MS = 5 * SECOND;

const noRoute: LaneReport = { measuredPerSecond: 0, seen: { by: "route" } };

export type LaneReporter = {
  /** Writes what limits the lanes with work, and those that were touched or `found` since; at most once a second. */
  readonly report: (told: {
    readonly found: ReadonlySet<Lane>;
    /** They have work and no way to a carrier. */
    readonly unrouted: readonly LaneRow[];
  }) => Promise<void>;
};

/** Tells other processes, through a table, what only the owner of a lane knows. */
export function createLaneReporter(app: {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly book: Pick<LaneBook, "takeStirred">;
  readonly epochOf: (shard: number) => bigint | undefined;
}): LaneReporter {
  /** Those to be told of, in turn. */
  const waiting: Lane[] = [];
  let last = Number.NEGATIVE_INFINITY;
  let turn = 0;

  const measure = ({ samples, written }: Lane, at: number): number => {
    // The last one stays, however old: of many lanes each has its turn seldom.
    while (samples.length > 1 && at - (samples[0]?.at ?? at) > MEASURED_MS) samples.shift();
    const [first] = samples;
    samples.push({ at, written });
    return first === undefined ? 0 : ((written - first.written) * SECOND) / (at - first.at);
  };

  /** It has work, or something left in the seconds that are measured. */
  const hasNews = (lane: Lane, found: ReadonlySet<Lane>): boolean => {
    const before = lane.samples[0]?.written ?? lane.settled;
    const hasWork = found.has(lane) || lane.waitsIn !== undefined;
    if (hasWork || lane.written !== before) return true;
    lane.samples.length = 0;
    lane.settled = before;
    return false;
  };

  const reportOf = (lane: Lane, monotonic: number): ReportRow => {
    const seen = seeLane(lane, { monotonic, at: app.clock() });
    lane.heldBy = undefined;
    const measuredPerSecond = Math.round(measure(lane, monotonic) * 10) / 10;
    const { shard, lane: number } = lane.row;
    return { shard, lane: number, report: { measuredPerSecond, seen } };
  };

  /** Of those without a route, in turn: half of what is told at once at the most. */
  const told = (unrouted: readonly LaneRow[]): ReportRow[] => {
    turn = turn >= unrouted.length ? 0 : turn;
    const rows = unrouted.slice(turn, turn + REPORTED_MAX / 2);
    turn += rows.length;
    return rows.map((row) => ({ ...row, report: noRoute }));
  };

  return {
    report: async ({ found, unrouted }) => {
      const now = performance.now();
      if (now - last < REPORT_MS) return;
      last = now;
      for (const lane of app.book.takeStirred()) waiting.push(lane);
      const rows = told(unrouted);
      for (const lane of waiting.splice(0, REPORTED_MAX - rows.length)) {
        lane.isStirred = app.epochOf(lane.shard) !== undefined && hasNews(lane, found);
        if (!lane.isStirred) continue;
        rows.push(reportOf(lane, now));
        // Until a report says that nothing leaves any more.
        waiting.push(lane);
      }
      if (rows.length === 0) return;
      await writeReports(app.hot, rows);
    },
  };
}
