import { type Clock, DAY, HOUR, MINUTE, utcDay } from "../lib/clock.ts";
import { firstIdAt } from "../lib/message-id.ts";
import type { Sql } from "./sql.ts";

const dailyTables = ["messages", "submissions", "outcomes", "events", "callback_attempts"] as const;
export type DailyTable = (typeof dailyTables)[number];

/** Ids may run ahead of the clock a little, and a database may be down over a night. */
const DAYS_AHEAD = 7;

/** How long a reader of the event log that is gone keeps its unread days from being dropped. */
const DEAD_READER_HOURS = 72;

/** Any number that nothing else locks. */
const PARTITION_LOCK = 7_245_202;

/** Creates the partitions from yesterday to a week ahead; those that exist stay as they are. */
export async function createPartitions(sql: Sql, now: Date): Promise<void> {
  for (const table of dailyTables) {
    const existing = new Set(await listPartitions(sql, table));
    for (let offset = -1; offset <= DAYS_AHEAD; offset += 1) {
      const day = utcDay(new Date(now.getTime() + offset * DAY));
      if (existing.has(day)) continue;
      await createPartition(sql, table, day);
    }
  }
}

/**
 * Made alone and attached then: `create table … partition of` would wait for every reader of the
 * table, such as a running pg_dump, and everybody else behind it. Not analyzed: PostgreSQL would
 * remember it as empty, and plan for that until the next autovacuum.
 */
async function createPartition(sql: Sql, table: string, day: string): Promise<void> {
  const next = utcDay(new Date(Date.parse(day) + DAY));
  const name = partitionName(table, day);
  const storage = table === "outcomes" || table === "submissions" ? "with (fillfactor = 70)" : "";
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${PARTITION_LOCK})`;
    const [row] = await transaction<{ exists: boolean }[]>`
      select to_regclass(${name}) is not null as exists
    `;
    if (row?.exists === true) return; // by a process that started at the same time
    await transaction.unsafe(
      `create table ${name} (like ${table} including defaults including constraints) ${storage}`,
    );
    await transaction.unsafe(
      `alter table ${table} attach partition ${name} for values from ('${day}') to ('${next}')`,
    );
  });
}

/**
 * Drops the days that are older than the retention, except those that a queued, waiting, claimed
 * or called back message or a reader of the event log still needs. A table that somebody reads for
 * long, such as pg_dump, is left for the next hour, else everybody would queue behind the drop.
 */
export async function dropPartitions(sql: Sql, options: { now: Date; retentionDays: number }) {
  const oldest = utcDay(new Date(options.now.getTime() - options.retentionDays * DAY));
  const dropped: string[] = [];
  for (const table of dailyTables) {
    for (const day of await listPartitions(sql, table)) {
      if (day >= oldest || (await isNeeded(sql, day))) continue;
      if (table === "events" && (await isUnread(sql, day, options.now))) continue;
      if (await dropPartition(sql, partitionName(table, day))) {
        dropped.push(partitionName(table, day));
      }
    }
  }
  return dropped;
}

async function dropPartition(sql: Sql, name: string): Promise<boolean> {
  try {
    await sql.begin(async (transaction) => {
      await transaction`set local lock_timeout = '1s'`;
      await transaction.unsafe(`drop table if exists ${name}`);
    });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === LOCK_NOT_AVAILABLE) {
      return false;
    }
    throw error;
  }
}

const LOCK_NOT_AVAILABLE = "55P03";

async function isNeeded(sql: Sql, day: string): Promise<boolean> {
  const from = firstIdAt(new Date(Date.parse(day))).toString();
  const to = firstIdAt(new Date(Date.parse(day) + DAY)).toString();
  const [row] = await sql<{ needed: boolean }[]>`
    select exists (select from queue where id >= ${from}::bigint and id < ${to}::bigint)
        or exists (select from later where id >= ${from}::bigint and id < ${to}::bigint)
        or exists (select from claims where id >= ${from}::bigint and id < ${to}::bigint)
        or exists (select from retries where id >= ${from}::bigint and id < ${to}::bigint) as needed
  `;
  return row?.needed ?? true;
}

/**
 * A reader has not come past this day's events. It counts as dead 72 hours after its lease ended,
 * or, when it gave the lease back, 72 hours after the day.
 */
async function isUnread(sql: Sql, day: string, now: Date): Promise<boolean> {
  const alive = new Date(now.getTime() - DEAD_READER_HOURS * HOUR).toISOString();
  const end = new Date(Date.parse(day) + DAY).toISOString();
  const [row] = await sql<{ unread: boolean }[]>`
    select exists (
      select
      from (select distinct reader from cursors) as known
      left join leases on leases.kind = 'reader:' || known.reader and leases.number = 0
      cross join (
        select writer, max(seq) as seq from events where day = ${day}::text::date group by writer
      ) as written
      left join cursors on cursors.reader = known.reader and cursors.writer = written.writer
      where coalesce(leases.expires_at, ${end}::text::timestamptz) > ${alive}::text::timestamptz
        and cursors.is_done is not true and coalesce(cursors.seq, 0) < written.seq
    ) as unread
  `;
  return row?.unread ?? true;
}

/** The days of a table's partitions, oldest first. */
async function listPartitions(sql: Sql, table: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select child.relname as name
    from pg_inherits
    join pg_class child on child.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = ${table}::regclass
    order by child.relname
    limit 10000
  `;
  return rows.map(({ name }) => {
    const digits = name.slice(-8);
    return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  });
}

/**
 * What a statement about one day reads in place of the table: a statement that names the table locks
 * and opens all its partitions, ninety with their indexes, before it comes to a row.
 */
export function partitionOf(sql: Sql, table: DailyTable, day: string) {
  return sql(partitionName(table, day));
}

function partitionName(table: string, day: string): string {
  return `${table}_${day.replaceAll("-", "")}`;
}

export type PartitionKeeper = { readonly close: () => Promise<void> };

/** Makes and drops partitions each hour; after a failure, such as a database away, each minute. */
export function keepPartitions(app: {
  sql: Sql;
  clock: Clock;
  retentionDays: number;
  onError: (error: unknown) => void;
}): PartitionKeeper {
  let dueAt = app.clock().getTime() + HOUR;
  let running: Promise<unknown> | undefined;
  const keep = async () => {
    const now = app.clock();
    await createPartitions(app.sql, now);
    await dropPartitions(app.sql, { now, retentionDays: app.retentionDays });
    dueAt = now.getTime() + HOUR;
  };
  const timer = setInterval(() => {
    if (app.clock().getTime() < dueAt) return;
    running ??= keep()
      .catch(app.onError)
      .finally(() => {
        running = undefined;
      });
  }, MINUTE);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
