import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../lib/errors.ts";
import type { Sql } from "./sql.ts";

/** Any number that nothing else locks. */
const MIGRATION_LOCK = 7_245_201;

/** `0001_first.sql` → 1, in order. */
export async function readMigrations(folder: string) {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      version: Number(file.slice(0, 4)),
      name: file,
      text: await readFile(join(folder, file), "utf8"),
    })),
  );
}

/**
 * Brings the schema forward, each migration in its own transaction. Two processes may start at
 * once: the second waits for the first. A schema newer than this program is refused.
 */
export async function migrate(direct: Sql, folder: string): Promise<number> {
  const migrations = await readMigrations(folder);
  const newest = migrations.at(-1)?.version ?? 0;
  await direct`select pg_advisory_lock(${MIGRATION_LOCK})`;
  try {
    await direct`
      create table if not exists migrations (
        version int primary key,
        name text not null,
        applied_at timestamptz not null default now()
      )
    `;
    const [row] = await direct<{ version: number }[]>`
      select coalesce(max(version), 0)::int as version from migrations
    `;
    const current = row?.version ?? 0;
    if (current > newest) {
      throw new StartError(
        `The database has schema version ${current}, this Longwave knows ${newest}. Start the newer release again, or restore a backup made before the upgrade.`,
      );
    }
    for (const migration of migrations.filter(({ version }) => version > current)) {
      await direct.begin(async (transaction) => {
        await transaction.unsafe(migration.text);
        await transaction`
          insert into migrations (version, name) values (${migration.version}, ${migration.name})
        `;
      });
    }
    return newest;
  } finally {
    await direct`select pg_advisory_unlock(${MIGRATION_LOCK})`;
  }
}
