import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectDirect } from "../server/dist/db/connect.js";
import { startEmbedded } from "../server/dist/db/embedded.js";
import { startPgbouncer } from "./pgbouncer.js";
import { startProxy } from "./proxy.js";

const AGAIN_MS = 100;
/** Before the first process has made the tables. */
const UNDEFINED_TABLE = "42P01";

/** The one PostgreSQL, supervised by us, with a proxy before it and pgbouncer where there is one. */
export async function startDatabase(folder) {
  const embedded = await startEmbedded(folder);
  const proxy = await startProxy(join(embedded.address.folder, ".s.PGSQL.5432"));
  const pgbouncer = await startPgbouncer(folder, proxy.port);
  const urlOf = (port) => `postgres://longwave@127.0.0.1:${port}/longwave`;
  const ask = async (run) => {
    for (;;) {
      const sql = connectDirect(embedded.address);
      try {
        return await run(sql);
      } catch (error) {
        if (error.code === UNDEFINED_TABLE) return [];
        await new Promise((done) => setTimeout(done, AGAIN_MS)); // it comes back by itself
      } finally {
        await sql.end({ timeout: 1 });
      }
    }
  };
  return {
    proxy,
    hasPgbouncer: pgbouncer !== undefined,
    /** What Longwave is started with. */
    env:
      pgbouncer === undefined
        ? { DATABASE_URL: urlOf(proxy.port) }
        : { DATABASE_URL: urlOf(pgbouncer.port), DATABASE_DIRECT_URL: urlOf(proxy.port) },
    kill: () => {
      try {
        const [pid] = readFileSync(join(folder, "cluster/postmaster.pid"), "utf8").split("\n");
        process.kill(Number(pid), "SIGKILL");
      } catch (error) {
        // It is down already, from the last time.
        if (error.code !== "ESRCH" && error.code !== "ENOENT") throw error;
      }
    },
    /** Ends about half of the sessions from within. */
    terminateSessions: () =>
      ask(
        (sql) => sql`
          select pg_terminate_backend(pid)
          from pg_stat_activity
          where pid <> pg_backend_pid() and usename is not null and random() < 0.5
        `,
      ),
    /** Who makes ids now: one owner for each process. */
    owners: async () => {
      const rows = await ask(
        (sql) => sql`select owner from leases where kind = 'slot' and expires_at > now()`,
      );
      return rows.map(({ owner }) => owner);
    },
    /** Recipients of messages whose claims are open: an owner's. */
    openClaims: async (owner) => {
      const rows = await ask(
        (sql) => sql`
          select recipient
          from claims
          join messages using (shard, id)
          where owner = ${owner} and held_because is null
          limit 100000
        `,
      );
      return rows.map(({ recipient }) => recipient);
    },
    stop: async () => {
      pgbouncer?.stop();
      proxy.close();
      await embedded.stop();
    },
  };
}
