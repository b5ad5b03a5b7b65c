import { randomInt, randomUUID } from "node:crypto";
import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import { giveShares, renewShares, SHARE_COUNT, type Share, takeShares } from "./share-store.ts";

/** A process that died is missed for so long; its shares go on with the next renewal of another. */
const TTL_MS = 3 * SECOND;
/** We stop before the others may begin. */
const MARGIN_MS = 500;
const RENEW_MS = SECOND / 2;
const NUMBER_MAX = 2 ** 31 - 1;

/** The right to read some shares of the log under a reader's name, renewed while the process reads. */
export type Shares = {
  /** Ours now, each with which time of having it this is: in between it may have been another's. */
  readonly held: () => ReadonlyMap<Share, number>;
  /** How many processes read. */
  readonly live: () => number;
  /** More than an equal part of the shares: to be given back when nothing of them is under way. */
  readonly surplus: () => Share[];
  readonly give: (shares: readonly Share[]) => Promise<void>;
  readonly start: () => Promise<void>;
  readonly end: () => Promise<void>;
};

export function createShares(app: {
  readonly sql: Sql;
  readonly reader: string;
  readonly onGained: () => void;
  readonly onError: (error: unknown) => void;
}): Shares {
  const process = {
    ...{ reader: app.reader, owner: randomUUID(), ttlMs: TTL_MS },
    number: randomInt(NUMBER_MAX),
  };
  const none = new Map<Share, number>();
  const held = new Map<Share, number>();
  let trustedUntil = 0;
  let live = 1;
  let times = 0;
  let timer: NodeJS.Timeout | undefined;
  let renewal = Promise.resolve();

  const part = () => Math.ceil(SHARE_COUNT / live);
  const renewOnce = async () => {
    const deadline = performance.now() + TTL_MS - MARGIN_MS;
    const told = await renewShares(app.sql, process);
    live = told.live;
    // What was given back meanwhile is not ours again, and what expired was perhaps another's.
    for (const share of held.keys()) if (!told.held.includes(share)) held.delete(share);
    const stray = told.held.filter((share) => !held.has(share));
    if (stray.length > 0) await giveShares(app.sql, process, stray);
    trustedUntil = deadline;
    if (held.size >= part()) return;
    const taken = await takeShares(app.sql, process, part() - held.size);
    times += 1;
    for (const share of taken) held.set(share, times);
    if (taken.length > 0) app.onGained();
  };
  const renew = () => {
    renewal = renewal.then(renewOnce).catch(app.onError);
    return renewal;
  };

  return {
    held: () => (performance.now() < trustedUntil ? held : none),
    live: () => live,
    surplus: () => [...held.keys()].slice(part()),
    give: async (shares) => {
      for (const share of shares) held.delete(share);
      await giveShares(app.sql, process, shares);
    },
    start: async () => {
      await renew();
      timer = setInterval(renew, RENEW_MS);
    },
    end: async () => {
      clearInterval(timer);
      await renewal; // it would take again what is given back before it
      held.clear();
      await giveShares(app.sql, process).catch(app.onError);
    },
  };
}
