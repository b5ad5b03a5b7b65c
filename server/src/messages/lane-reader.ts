import type { Sql } from "../db/sql.ts";
import { type LaneHead, type QueuedRow, readHeads } from "./dispatch-store.ts";
import type { Lane } from "./lane.ts";

/** Statements under way: one is prepared while the other is answered. */
const READS_AT_ONCE_MAX = 2;
const LANES_A_READ_MAX = 250;
/** Divided among the lanes of a read: a few get many messages each, many get some. */
const ROWS_A_READ_MAX = 8_000;
const ROWS_A_HEAD_MIN = 8;

export type LaneReader = {
  /** Fills the windows that lack messages, soon; asking again meanwhile costs nothing. */
  readonly fill: (lane: Lane) => void;
};

/** Reads the heads of lanes from the queue, many lanes at a time. */
export function createLaneReader(app: {
  hot: Sql;
  onRead: (lane: Lane) => void;
  onError: (error: unknown) => void;
}): LaneReader {
  const waiting = new Set<Lane>();
  const reading = new Set<Lane>();
  let reads = 0;
  let isAsked = false;

  const readNext = () => {
    isAsked = false;
    while (waiting.size > 0 && reads < READS_AT_ONCE_MAX) {
      const lanes = [...take(waiting, LANES_A_READ_MAX)];
      for (const lane of lanes) reading.add(lane);
      reads += 1;
      readWindows(app.hot, lanes)
        .catch(app.onError)
        .finally(() => {
          reads -= 1;
          for (const lane of lanes) reading.delete(lane);
          for (const lane of lanes) app.onRead(lane);
          readNext();
        });
    }
  };

  return {
    fill: (lane) => {
      if (reading.has(lane)) return;
      waiting.add(lane);
      if (isAsked) return;
      // The others that this turn of the event loop finds go with it.
      isAsked = true;
      setImmediate(readNext);
    },
  };
}

function* take(lanes: Set<Lane>, most: number): Generator<Lane> {
  for (const lane of lanes) {
    if (most <= 0) return;
    most -= 1;
    lanes.delete(lane);
    yield lane;
  }
}

async function readWindows(hot: Sql, lanes: readonly Lane[]): Promise<void> {
  const wanted = lanes.flatMap((lane) => lane.unread().map((priority) => ({ lane, priority })));
  const each = Math.max(ROWS_A_HEAD_MIN, Math.floor(ROWS_A_READ_MAX / wanted.length));
  const heads = wanted.map(({ lane, priority }): LaneHead => {
    const { shard, lane: number } = lane.row;
    lane.beginRead(priority);
    // What is being claimed may still stand there.
    return {
      shard,
      lane: number,
      priority,
      most: Math.min(each, lane.windowMax()) + lane.reserved,
    };
  });
  const rows = heads.length === 0 ? [] : await readHeads(hot, heads);
  const rowsOf = new Map<number, QueuedRow[]>();
  for (const row of rows) {
    const known = rowsOf.get(headKey(row));
    if (known === undefined) rowsOf.set(headKey(row), [row]);
    else known.push(row);
  }
  wanted.forEach(({ lane, priority }, place) => {
    const head = heads[place];
    const found = (head && rowsOf.get(headKey(head))) ?? [];
    lane.endRead(priority, found, found.length < (head?.most ?? 0));
  });
}

const headKey = ({ lane, priority }: Pick<QueuedRow, "lane" | "priority">) => lane * 4 + priority;
