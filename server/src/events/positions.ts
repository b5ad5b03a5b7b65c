import type { Sql } from "../db/sql.ts";
import { spreadOf } from "../lib/message-id.ts";
import {
  passOthersEvents,
  readPositions,
  SHARE_COUNT,
  type Share,
  type SharePosition,
  writePositions,
} from "./share-store.ts";
import type { LogEvent, Position } from "./store.ts";

/** How far each share of ours has got in each writer's events; written down now and then. */
export type Positions = {
  readonly shares: () => readonly Share[];
  /** Goes on where the share's last reader stopped. */
  readonly take: (shares: readonly Share[]) => Promise<void>;
  /** Somebody else may read them: what we know of them is of no use any more. */
  readonly forget: (shares: readonly Share[]) => void;
  /** For each writer what every share of ours has read. */
  readonly floors: () => Position[];
  /** Writers that are closed and read to their end. */
  readonly done: () => bigint[];
  readonly isUnread: (event: LogEvent) => boolean;
  /** All unread events of our shares up to these are dealt with. */
  readonly advance: (events: readonly LogEvent[]) => void;
  readonly write: () => Promise<void>;
  readonly isWritten: () => boolean;
  /** Moves them over the events of shares that are not ours. Nothing of ours is unread. */
  readonly passOthers: () => Promise<void>;
};

type Entry = Omit<SharePosition, "share" | "writer">;

export function createPositions({ sql, reader }: { sql: Sql; reader: string }): Positions {
  const shares = new Map<Share, Map<bigint, Entry>>();
  const changed = new Set<bigint>();

  const load = async (which: readonly Share[]) => {
    const rows = await readPositions(sql, reader, which);
    for (const share of which) shares.set(share, new Map());
    for (const { share, writer, ...entry } of rows) shares.get(share)?.set(writer, entry);
  };
  const write = async () => {
    if (changed.size === 0) return;
    const writers = [...changed];
    changed.clear();
    const rows = [...shares].flatMap(([share, entries]) =>
      writers.flatMap((writer) => {
        const entry = entries.get(writer);
        return entry === undefined ? [] : [{ share, writer, ...entry }];
      }),
    );
    try {
      await writePositions(sql, reader, rows);
    } catch (error) {
      for (const writer of writers) changed.add(writer);
      throw error;
    }
  };

  return {
    shares: () => [...shares.keys()],
    take: load,
    forget: (which) => {
      for (const share of which) shares.delete(share);
    },
    floors: () => {
      const [first, ...others] = shares.values();
      return [...(first ?? [])].flatMap(([writer, { seq, day }]) => {
        const floor = { writer, seq, day };
        for (const entries of others) {
          const entry = entries.get(writer);
          if (entry === undefined) return [];
          if (entry.seq < floor.seq) Object.assign(floor, { seq: entry.seq, day: entry.day });
        }
        return [floor];
      });
    },
    done: () => {
      const [first, ...others] = shares.values();
      return [...(first ?? [])].flatMap(([writer, { isDone }]) =>
        isDone && others.every((entries) => entries.get(writer)?.isDone === true) ? [writer] : [],
      );
    },
    isUnread: ({ writer, seq, id }) => {
      const entry = shares.get(spreadOf(id, SHARE_COUNT))?.get(writer);
      return entry === undefined || entry.seq < seq;
    },
    advance: (events) => {
      const last = new Map(events.map((event) => [event.writer, event]));
      for (const [writer, { seq, day }] of last) {
        changed.add(writer);
        for (const entries of shares.values()) {
          const entry = entries.get(writer);
          if (entry !== undefined && entry.seq >= seq) continue;
          entries.set(writer, { seq, day, isDone: false });
        }
      }
    },
    write,
    isWritten: () => changed.size === 0,
    passOthers: async () => {
      await write();
      const ours = [...shares.keys()];
      await passOthersEvents(sql, reader, ours);
      await load(ours);
    },
  };
}
