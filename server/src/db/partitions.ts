import { type Clock, DAY, HOUR, utcDay } from "../lib/clock.ts";
import { firstIdAt } from "../lib/message-id.ts";
import type { Sql } from "./sql.ts";

const dailyTables = ["messages", "submissions", "outcomes", "events", "callback_attempts"] as const;

/** Ids may run ahead of the clock a little, and a database may be down over a night. */
const DAYS_AHEAD = 7;

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

/** Not analyzed: PostgreSQL would remember it as empty and choose any index for a whole minute. */
async function createPartition(sql: Sql, table: string, day: string): Promise<void> {
  const next = utcDay(new Date(Date.parse(day) + DAY));
  const name = partitionName(table, day);
  const storage = table === "outcomes" || table === "submissions" ? "with (fillfactor = 70)" : "";
  await sql.unsafe(
    `create table if not exists ${name} partition of ${table}
     for values from ('${day}') to ('${next}') ${storage}`,
  );
}

/**
 * Drops the days that are older than the retention, except those that a queued, waiting or claimed
 * message still needs. Events go with their day: a reader that is 72 h behind has lost them.
 */
export async function dropPartitions(sql: Sql, options: { now: Date; retentionDays: number }) {
  const oldest = utcDay(new Date(options.now.getTime() - options.retentionDays * DAY));
  const dropped: string[] = [];
  for (const table of dailyTables) {
    for (const day of await listPartitions(sql, table)) {
      if (day >= oldest || (await isNeeded(sql, day))) continue;
      await sql.unsafe(`drop table if exists ${partitionName(table, day)}`);
      dropped.push(partitionName(table, day));
    }
  }
  return dropped;
}

async function isNeeded(sql: Sql, day: string): Promise<boolean> {
  const from = firstIdAt(new Date(Date.parse(day))).toString();
  const to = firstIdAt(new Date(Date.parse(day) + DAY)).toString();
  const [row] = await sql<{ needed: boolean }[]>`
    select exists (select from queue where id >= ${from}::bigint and id < ${to}::bigint)
        or exists (select from later where id >= ${from}::bigint and id < ${to}::bigint)
        or exists (select from claims where id >= ${from}::bigint and id < ${to}::bigint) as needed
  `;
  return row?.needed ?? true;
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

function partitionName(table: string, day: string): string {
  return `${table}_${day.replaceAll("-", "")}`;
}

export type PartitionKeeper = { readonly close: () => Promise<void> };

/** Makes and drops partitions each hour. */
export function keepPartitions(app: {
  sql: Sql;
  clock: Clock;
  retentionDays: number;
  onError: (error: unknown) => void;
}): PartitionKeeper {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const now = app.clock();
    running = createPartitions(app.sql, now)
      .then(() => dropPartitions(app.sql, { now, retentionDays: app.retentionDays }))
      .catch(app.onError);
  }, HOUR);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
