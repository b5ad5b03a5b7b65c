import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectDirect } from "../server/dist/db/connect.js";
import { startEmbedded } from "../server/dist/db/embedded.js";
import { noteDoubts, notedDoubts } from "./doubts.js";
import { startPgbouncer } from "./pgbouncer.js";
import { startProxy } from "./proxy.js";

const AGAIN_MS = 100;

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
      } catch {
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
    noteDoubts: () => ask(noteDoubts),
    notedDoubts: () => ask(notedDoubts),
    stop: async () => {
      pgbouncer?.stop();
      proxy.close();
      await embedded.stop();
    },
  };
}
