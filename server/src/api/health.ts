import type { FastifyInstance } from "fastify";
import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import { ping } from "./store.ts";

/** Below the timeout of any load balancer's probe. */
const DATABASE_MS_MAX = 2 * SECOND;

/**
 * For whoever watches or balances processes, without credentials: `/health` answers while the
 * process lives, `/health/ready` while it can take requests, which needs its database.
 */
export function addHealth(server: FastifyInstance, { sql }: { readonly sql: Sql }): void {
  let asked: Promise<boolean> | undefined;
  // However many ask at once, the database is asked once.
  const isReady = () => {
    asked ??= answersInTime(ping(sql)).finally(() => {
      asked = undefined;
    });
    return asked;
  };
  server.get("/health", async () => ({ status: "alive" }));
  server.get("/health/ready", async (_request, reply) => {
    if (await isReady()) return { status: "ready" };
    return reply.code(503).send({ status: "waiting for the database" });
  });
}

async function answersInTime(answer: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(false), DATABASE_MS_MAX);
  });
  const came = answer.then(
    () => true,
    () => false,
  );
  return await Promise.race([came, late]).finally(() => clearTimeout(timer));
}
