import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import type { Claim } from "./claim-store.ts";
import type { Flight } from "./flight.ts";
import { recordConnectors } from "./reroute-store.ts";

/** Another connector for a message that has certainly not left by the one that its claim names. */
export type Rerouter = {
  /** Resolves when the claim names it: false when the claim is not ours any more. */
  readonly record: (claim: Claim, connector: Connector) => Promise<boolean>;
  readonly close: () => Promise<void>;
};

const BATCH_MAX = 500;

/**
 * Refusals that say nothing of the text or its recipient: the sender is not this carrier's, the pair
 * cannot be routed there, an error that it does not name. Any other would be the same elsewhere, or
 * is a word that must not be gone around.
 */
const refusedHereOnly: ReadonlySet<number> = new Set([21606, 21612, 30008]);

export function isRefusedHereOnly(errorCode: number): boolean {
  return refusedHereOnly.has(errorCode);
}

/** What has left, or may have, stays with its carrier. */
export function hasBegun({ accepted, open, isInDoubt }: Flight): boolean {
  return accepted > 0 || open > 0 || isInDoubt;
}

export function createRerouter(app: {
  readonly hot: Sql;
  readonly owner: string;
  readonly isClosed: () => boolean;
}): Rerouter {
  const batcher = createBatcher<{ claim: Claim; connector: string }, boolean>({
    batchMax: BATCH_MAX,
    run: async (moves) => {
      const ours = await untilStored(
        () => recordConnectors(app.hot, moves, app.owner),
        app.isClosed,
      );
      const known = new Set(ours);
      return moves.map(({ claim }) => known.has(claim.id));
    },
  });
  return {
    record: (claim, { name }) => batcher.add({ claim, connector: name }),
    close: batcher.close,
  };
}
