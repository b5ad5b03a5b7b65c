import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import { SPREAD_BITS } from "../lib/message-id.ts";
import type { LogEvent, Position } from "./store.ts";

/** A reader's part of the messages: those whose ids are spread to it. */
export type Share = number;

export const SHARE_COUNT = 16;

/** Each share has its cursors and its right under a name of its own. */
const nameOf = (reader: string, share: Share) => `${reader}/${share}`;
const kindOf = (reader: string, share: Share) => `reader:${nameOf(reader, share)}`;
const shareOf = (name: string): Share => Number(name.slice(name.lastIndexOf("/") + 1));
const all = Array.from({ length: SHARE_COUNT }, (_, share) => share);

export type ReadingProcess = {
  readonly reader: string;
  readonly owner: string;
  /** One that hardly another process has. */
  readonly number: number;
  readonly ttlMs: number;
};

/** Says that the process reads, and renews its shares; tells which are its own still, and how many read. */
export async function renewShares(
  sql: Sql,
  process: ReadingProcess,
): Promise<{ held: Share[]; live: number }> {
  const { reader, owner } = process;
  const ttl = `${process.ttlMs} milliseconds`;
  const [row] = await sql<{ kinds: string[]; others: number }[]>`
    with told as (
      insert into leases (kind, number, owner, epoch, expires_at)
      values (${`reading:${reader}`}, ${process.number}, ${owner}, 1, clock_timestamp() + ${ttl}::interval)
      on conflict (kind, number) do update
      set owner = excluded.owner, expires_at = excluded.expires_at
    ), renewed as (
      update leases
      set expires_at = clock_timestamp() + ${ttl}::interval
      where kind = any(${all.map((share) => kindOf(reader, share))}::text[]) and number = 0
        and owner = ${owner} and expires_at >= clock_timestamp()
      returning kind
    )
    select array(select kind from renewed) as kinds, (
      select count(*)::int
      from leases
      where kind = ${`reading:${reader}`} and owner <> ${owner} and expires_at >= clock_timestamp()
    ) as others
  `;
  return { held: (row?.kinds ?? []).map(shareOf), live: (row?.others ?? 0) + 1 };
}

/** Takes at most `count` shares that nobody holds. */
export async function takeShares(
  sql: Sql,
  { reader, owner, ttlMs }: ReadingProcess,
  count: number,
): Promise<Share[]> {
  const rows = await sql<{ kind: string }[]>`
    insert into leases (kind, number, owner, epoch, expires_at)
    select free.kind, 0, ${owner}, 1, clock_timestamp() + ${`${ttlMs} milliseconds`}::interval
    from unnest(${all.map((share) => kindOf(reader, share))}::text[]) as free(kind)
    where not exists (
      select from leases
      where leases.kind = free.kind and number = 0 and expires_at >= clock_timestamp()
    )
    limit ${count}
    on conflict (kind, number) do update
    set owner = excluded.owner, epoch = leases.epoch + 1, expires_at = excluded.expires_at
    where leases.expires_at < clock_timestamp()
    returning kind
  `;
  return rows.map(({ kind }) => shareOf(kind));
}

/** Others may take these at once. Without `shares` the process reads no more. */
export async function giveShares(
  sql: Sql,
  { reader, owner, number }: ReadingProcess,
  shares?: readonly Share[],
): Promise<void> {
  await sql`
    delete from leases
    where kind = any(${(shares ?? all).map((share) => kindOf(reader, share))}::text[])
      and number = 0 and owner = ${owner}
  `;
  if (shares !== undefined) return;
  // With those that died: nobody else asks after them.
  await sql`
    delete from leases
    where kind = ${`reading:${reader}`} and (number = ${number} or expires_at < clock_timestamp())
  `;
}

export type SharePosition = Position & { readonly share: Share; readonly isDone: boolean };

export async function readPositions(
  sql: Sql,
  reader: string,
  shares: readonly Share[],
): Promise<SharePosition[]> {
  const rows = await sql<(Position & { reader: string; isDone: boolean })[]>`
    select reader, writer, seq, day, is_done as "isDone"
    from cursors
    where reader = any(${shares.map((share) => nameOf(reader, share))}::text[])
  `;
  return rows.map(({ reader: name, ...position }) => ({ ...position, share: shareOf(name) }));
}

export async function writePositions(
  sql: Sql,
  reader: string,
  positions: readonly SharePosition[],
): Promise<void> {
  await sql`
    insert into cursors (reader, writer, seq, day)
    select *
    from unnest(
      ${arrayOf(positions, ({ share }) => nameOf(reader, share))}::text[],
      ${arrayOf(positions, ({ writer }) => writer)}::bigint[],
      ${arrayOf(positions, ({ seq }) => seq)}::bigint[],
      ${arrayOf(positions, ({ day }) => day)}::date[]
    ) as position (reader, writer, seq, day)
    on conflict (reader, writer) do update
    set seq = greatest(cursors.seq, excluded.seq), day = greatest(cursors.day, excluded.day)
  `;
}

/**
 * Events of some shares beyond what all of them have read, each writer's in their order, beginning
 * with the writers after `afterWriter` so that a busy one starves nobody. With `oldestFirst` they are
 * the first of all writers, by when their batches began: what follows from another event, and so was
 * written by a batch that began later, is not read before it. That reads up to `limit` of each writer.
 */
export async function selectSharedEvents(
  sql: Sql,
  shares: readonly Share[],
  from: {
    readonly floors: readonly Position[];
    readonly done: readonly bigint[];
    readonly afterWriter: bigint;
    readonly limit: number;
    readonly oldestFirst: boolean;
  },
): Promise<LogEvent[]> {
  // Should a clock step back, a writer's events still come in their order.
  const reached = sql`, max(at) over (order by seq) as reached`;
  // The two days of slack allow for clocks that step back over midnight; the bounds prune partitions.
  return sql<LogEvent[]>`
    select e.writer, e.seq, e.day, e.kind, e.account, e.id, e.data
    from (
      select w.writer, coalesce(floor.seq, 0) as seq,
        coalesce(floor.day, w.opened_at::date) - 2 as first_day
      from writers w
      left join unnest(
        ${arrayOf(from.floors, ({ writer }) => writer)}::bigint[],
        ${arrayOf(from.floors, ({ seq }) => seq)}::bigint[],
        ${arrayOf(from.floors, ({ day }) => day)}::date[]
      ) as floor(writer, seq, day) using (writer)
      where w.writer <> all(${from.done.map(String)}::bigint[])
      order by w.writer <= ${from.afterWriter}, w.writer
    ) w
    cross join lateral (
      select writer, seq, day, kind, account, id, data${from.oldestFirst ? reached : sql``}
      from events
      where writer = w.writer and seq > w.seq
        and day >= w.first_day and day <= current_date + 1
        and (id >> ${SPREAD_BITS}) & ${SHARE_COUNT - 1} = any(${shares as Share[]}::int[])
      order by seq
      limit ${from.limit}
    ) e
    ${from.oldestFirst ? sql`order by e.reached, e.writer, e.seq` : sql``}
    limit ${from.limit}
  `;
}

/**
 * Moves cursors over the events of others up to the end of each writer that has nothing more for
 * the share; one that is closed, too, is not looked at any more.
 */
export async function passOthersEvents(
  sql: Sql,
  reader: string,
  shares: readonly Share[],
): Promise<void> {
  await sql`
    insert into cursors (reader, writer, seq, day, is_done)
    select own.name, w.writer, coalesce(last.seq, c.seq, 0),
      coalesce(last.day, c.day, w.opened_at::date), w.is_closed
    from unnest(
      ${shares.map((share) => nameOf(reader, share))}::text[],
      ${shares as Share[]}::int[]
    ) as own(name, share)
    cross join writers w
    left join cursors c on c.reader = own.name and c.writer = w.writer
    left join lateral (
      select seq, day
      from events e
      where e.writer = w.writer and e.seq > coalesce(c.seq, 0)
        and e.day >= coalesce(c.day, w.opened_at::date) - 2 and e.day <= current_date + 1
      order by seq desc
      limit 1
    ) last on true
    where c.is_done is not true and (last.seq is not null or w.is_closed)
      and not exists (
        select from events e
        where e.writer = w.writer and e.seq > coalesce(c.seq, 0)
          and e.day >= coalesce(c.day, w.opened_at::date) - 2 and e.day <= current_date + 1
          and (e.id >> ${SPREAD_BITS}) & ${SHARE_COUNT - 1} = own.share
        offset 0
      )
    on conflict (reader, writer) do update
    set seq = greatest(cursors.seq, excluded.seq), day = greatest(cursors.day, excluded.day),
      is_done = excluded.is_done
  `;
}
