import type { Sql } from "./sql.ts";

/**
 * Where this database lives: its cluster, its number there and that of a table. A restored dump lives
 * elsewhere, also when it was restored in place; a cluster that is moved as a whole does not.
 */
async function readHome(sql: Sql): Promise<string> {
  const [row] = await sql<{ home: string }[]>`
    select concat_ws('/', system_identifier, pg_database.oid, 'configuration'::regclass::oid) as home
    from pg_control_system()
    join pg_database on datname = current_database()
  `;
  if (row === undefined) throw new Error("PostgreSQL does not tell which database this is.");
  return row.home;
}

/**
 * Whether the database was written elsewhere before: then a backup was restored, and what happened
 * after that backup is not known here. Tells it once; inside a transaction.
 */
export async function moveIn(transaction: Sql): Promise<"new" | "same" | "restored"> {
  const [row] = await transaction<{ home: string | null }[]>`
    select home
    from configuration
    for update
  `;
  const home = await readHome(transaction);
  if (row?.home === home) return "same";
  await transaction`update configuration set home = ${home}`;
  return row?.home === null ? "new" : "restored";
}

/** For a copy that cannot be told from what it was taken of: a snapshot, a point in time. */
export async function markRestored(sql: Sql): Promise<void> {
  await sql`update configuration set home = 'restored'`;
}
