import cluster, { type Worker } from "node:cluster";
import type { Role } from "./config.ts";
import type { DatabaseAddress } from "./db/connect.ts";
import { MINUTE, SECOND } from "./lib/clock.ts";

/** What a process of several is told when it starts. */
export type Order = {
  readonly roles: readonly Role[];
  readonly address: DatabaseAddress;
  /** The simulator runs in one of them. */
  readonly hasSimulator: boolean;
  /** Another of the same roles says where it listens. */
  readonly isQuiet: boolean;
};

const ASKED = "what am I to do?";
const READY = "ready";
const AGAIN_MS = { first: SECOND, most: 30 * SECOND };
/** Whoever has run for so long is started again without a longer pause. */
const WELL_MS = MINUTE;

/**
 * Runs one process of this program for each set of roles, all on one database and one port, and
 * starts again what ends. Resolves when all have ended after the stop signal, with the exit code:
 * 1 when one of them cannot start at the beginning.
 */
export async function supervise(app: {
  readonly processes: readonly ReadonlySet<Role>[];
  readonly argv: readonly string[];
  readonly address: DatabaseAddress;
  readonly stopSignal: AbortSignal;
  readonly say: (sentence: string) => void;
}): Promise<number> {
  cluster.setupPrimary({ exec: process.argv[1] ?? "", args: ["serve", ...app.argv] });
  const members = ordersOf(app).map((order) => createMember(order, app));
  const stop = () => Promise.all(members.map((member) => member.stop()));
  for (const member of members) {
    if (app.stopSignal.aborted || (await member.start())) continue;
    await stop();
    return app.stopSignal.aborted ? 0 : 1;
  }
  if (!app.stopSignal.aborted) {
    await new Promise<void>((done) => {
      app.stopSignal.addEventListener("abort", () => done());
    });
  }
  await stop();
  return 0;
}

function ordersOf({
  processes,
  address,
}: {
  readonly processes: readonly ReadonlySet<Role>[];
  readonly address: DatabaseAddress;
}): Order[] {
  const named = processes.map((roles) => [...roles].join(","));
  const simulating = processes.findIndex((roles) => roles.has("dispatch"));
  const orders = processes.map((roles, index) => ({
    ...{ roles: [...roles], address, hasSimulator: index === simulating },
    isQuiet: named.indexOf(named[index] ?? "") < index,
  }));
  // The simulator's first: the others find its numbers.
  return orders.sort((one, other) => Number(other.hasSimulator) - Number(one.hasSimulator));
}

function createMember(
  order: Order,
  app: { readonly stopSignal: AbortSignal; readonly say: (sentence: string) => void },
) {
  let worker: Worker | undefined;
  let ended: Promise<void> = Promise.resolve();
  let isReady = false;
  let againMs = AGAIN_MS.first;
  let timer: NodeJS.Timeout | undefined;

  const onExit = (startedAt: number, code: number, signal: string | null) => {
    worker = undefined;
    if (app.stopSignal.aborted || !isReady) return;
    if (performance.now() - startedAt > WELL_MS) againMs = AGAIN_MS.first;
    const roles = order.roles.join(",");
    app.say(`The process for ${roles} ended with ${signal ?? code}; another starts.`);
    timer = setTimeout(() => void start(), againMs);
    againMs = Math.min(againMs * 2, AGAIN_MS.most);
  };

  /** Resolves with true when it is ready, with false when it has ended before. */
  const start = (): Promise<boolean> => {
    const startedAt = performance.now();
    const forked = cluster.fork();
    worker = forked;
    return new Promise((done) => {
      ended = new Promise((gone) => {
        forked.once("exit", (code, signal) => {
          onExit(startedAt, code, signal);
          done(false);
          gone();
        });
      });
      forked.on("message", (word) => {
        if (word === ASKED) forked.send(order);
        if (word !== READY) return;
        isReady = true;
        done(true);
      });
    });
  };

  return {
    start,
    stop: async () => {
      clearTimeout(timer);
      worker?.process.kill("SIGTERM");
      await ended;
    },
  };
}

/** In a process of several: what it is to do; `stop` when that came before. Nothing in one alone. */
export async function receiveOrder(stopSignal: AbortSignal): Promise<Order | "stop" | undefined> {
  if (!cluster.isWorker) return undefined;
  return new Promise((done) => {
    stopSignal.addEventListener("abort", () => done("stop"));
    process.once("message", (order) => done(order as Order));
    process.send?.(ASKED); // what comes before somebody listens is lost
  });
}

/** In a process of several: it serves. */
export function tellReady(): void {
  if (cluster.isWorker) process.send?.(READY);
}
