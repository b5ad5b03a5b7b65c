import type { Sql } from "../db/sql.ts";
import { type LaneHead, type QueuedRow, readHeads } from "./dispatch-store.ts";
import type { Lane } from "./lane.ts";
import { beginRead, endRead, unreadOf } from "./lane-windows.ts";

/** Statements under way: one is prepared while the other is answered. */
const READS_AT_ONCE_MAX = 2;
const LANES_A_READ_MAX = 250;
/** Divided among the lanes of a read: a few get many messages each, many get some. */
const ROWS_A_READ_MAX = 8_000;
const ROWS_A_HEAD_MIN = 8;

export type LaneReader = {
  /** Fills the windows that lack messages, soon, and says when; asking again meanwhile costs nothing. */
  readonly fill: (lane: Lane) => Promise<void>;
};

/** Reads the heads of lanes from the queue, many lanes at a time. */
export function createLaneReader(app: {
  hot: Sql;
  onRead: (lane: Lane) => void;
  onError: (error: unknown) => void;
}): LaneReader {
  const waiting = new Map<Lane, Read>();
  const reading = new Map<Lane, Read>();
  let reads = 0;
  let isAsked = false;

  const readNext = () => {
    isAsked = false;
    while (waiting.size > 0 && reads < READS_AT_ONCE_MAX) {
      const taken = [...take(waiting, LANES_A_READ_MAX)];
      for (const [lane, read] of taken) reading.set(lane, read);
      reads += 1;
      const lanes = taken.map(([lane]) => lane);
      readWindows(app.hot, lanes)
        .catch(app.onError)
        .finally(() => {
          reads -= 1;
          for (const lane of lanes) reading.delete(lane);
          for (const lane of lanes) app.onRead(lane);
          for (const [, { end }] of taken) end();
          readNext();
        });
    }
  };

  return {
    fill: (lane) => {
      const known = reading.get(lane) ?? waiting.get(lane);
      if (known !== undefined) return known.done;
      const read = createRead();
      waiting.set(lane, read);
      // The others that this turn of the event loop finds go with it.
      if (!isAsked) setImmediate(readNext);
      isAsked = true;
      return read.done;
    },
  };
}

type Read = { readonly done: Promise<void>; readonly end: () => void };

function createRead(): Read {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { done, end };
}

function* take(lanes: Map<Lane, Read>, most: number): Generator<[Lane, Read]> {
  for (const entry of lanes) {
    if (most <= 0) return;
    most -= 1;
    lanes.delete(entry[0]);
    yield entry;
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
