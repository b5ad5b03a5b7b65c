import type { Sql } from "../db/sql.ts";
import type { Lane } from "./lane.ts";
import { beginRead, endRead, unreadOf } from "./lane-windows.ts";
import { type LaneHead, type QueuedRow, readHeads } from "./queue-store.ts";

/** Statements under way: one is prepared while the other is answered. */
const READS_AT_ONCE_MAX = 2;
const LANES_A_READ_MAX = 250;
/** Divided among the lanes of a read: a few get many messages each, many get some. */
const ROWS_A_READ_MAX = 8_000;
const ROWS_A_HEAD_MIN = 8;

export type LaneReader = {
  /** Fills the windows that lack messages, soon; asking again meanwhile costs nothing. */
  readonly fill: (lane: Lane) => void;
  /** The same, before all that nobody awaits; resolves when it was tried. */
  readonly filled: (lane: Lane) => Promise<void>;
};

/** Reads the heads of lanes from the queue, many lanes at a time. */
export function createLaneReader(app: {
  hot: Sql;
  onRead: (lane: Lane) => void;
  onError: (error: unknown) => void;
}): LaneReader {
  const waiting = new Set<Lane>();
  const reading = new Set<Lane>();
  const awaited = new Map<Lane, (() => void)[]>();
  let reads = 0;
  let isAsked = false;

  const readNext = () => {
    isAsked = false;
    while (waiting.size > 0 && reads < READS_AT_ONCE_MAX) {
      const lanes = [...take(waiting, awaited.keys())];
      for (const lane of lanes) reading.add(lane);
      reads += 1;
      readWindows(app.hot, lanes)
        .catch(app.onError)
        .finally(() => {
          reads -= 1;
          for (const lane of lanes) reading.delete(lane);
          for (const lane of lanes) app.onRead(lane);
          if (awaited.size > 0) tell(lanes);
          readNext();
        });
    }
  };

  const tell = (lanes: readonly Lane[]) => {
    for (const lane of lanes) {
      for (const resolve of awaited.get(lane) ?? []) resolve();
      awaited.delete(lane);
    }
  };

  const fill = (lane: Lane) => {
    if (reading.has(lane)) return;
    waiting.add(lane);
    if (isAsked) return;
    // The others that this turn of the event loop finds go with it.
    isAsked = true;
    setImmediate(readNext);
  };

  return {
    fill,
    filled: (lane) =>
      new Promise((resolve) => {
        awaited.set(lane, [...(awaited.get(lane) ?? []), resolve]);
        fill(lane);
      }),
  };
}

/** The lanes of one read. */
function* take(waiting: Set<Lane>, first: Iterable<Lane>): Generator<Lane> {
  let left = LANES_A_READ_MAX;
  for (const lanes of [first, waiting]) {
    for (const lane of lanes) {
      if (left === 0) return;
      if (!waiting.delete(lane)) continue;
      left -= 1;
      yield lane;
    }
  }
}

async function readWindows(hot: Sql, lanes: readonly Lane[]): Promise<void> {
  const wanted = lanes.flatMap((lane) => unreadOf(lane).map((priority) => ({ lane, priority })));
  const each = Math.max(ROWS_A_HEAD_MIN, Math.floor(ROWS_A_READ_MAX / wanted.length));
  const heads = wanted.map(({ lane, priority }): LaneHead => {
    const { shard, lane: number } = lane.row;
    beginRead(lane, priority);
    // What is being claimed may still stand there.
    return {
      shard,
      lane: number,
      priority,
      most: Math.min(each, lane.needs.windowMax()) + lane.reserved,
    };
  });
  const rows = heads.length === 0 ? [] : await readHeads(hot, heads);
  const rowsOf = new Map<number, QueuedRow[]>();
  let key = -1;
  let beside: QueuedRow[] = [];
  for (const row of rows) {
    // Those of a head come one after another.
    if (headKey(row) !== key) {
      key = headKey(row);
      beside = rowsOf.get(key) ?? [];
      rowsOf.set(key, beside);
    }
    beside.push(row);
  }
  wanted.forEach(({ lane, priority }, place) => {
    const head = heads[place];
    const found = (head && rowsOf.get(headKey(head))) ?? [];
    endRead(lane, priority, { rows: found, isAll: found.length < (head?.most ?? 0) });
  });
}

const headKey = ({ lane, priority }: Pick<QueuedRow, "lane" | "priority">) => lane * 4 + priority;
