import type { Verdict } from "../compliance/verdict.ts";
import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { createdAt, type MessageId } from "../lib/message-id.ts";
import type { Claim } from "./claim-store.ts";
import type { Claimed } from "./claimer.ts";
import type { Departure } from "./departure-store.ts";
import { returnClaims } from "./doubt-store.ts";
import {
  createFlight,
  type Flight,
  hasMedia,
  partsOf,
  refundUnsent,
  toDeparture,
} from "./flight.ts";
import { type Lane, reserve } from "./lane.ts";
import { putBack } from "./lane-windows.ts";
import type { Later } from "./later.ts";
import { MEDIA_NOT_CARRIED } from "./media.ts";
import type { PartWriter, PickConnector } from "./part-writer.ts";

const CARRIER_AGAIN_MS = 1 * SECOND;

type Needs = {
  readonly hot: Sql;
  readonly owner: string;
  readonly clock: Clock;
  /** The rules' word, when the message leaves by this connector. */
  readonly judge: (claimed: Claimed, connector: string) => Verdict;
  readonly pick: PickConnector;
  readonly connectorNamed: (name: string) => Connector | undefined;
};

/** Where a claimed message can go. */
type Ways = {
  readonly writer: Pick<PartWriter, "add" | "write" | "move">;
  readonly recorder: { readonly record: (departure: Departure) => void };
  readonly later: Pick<Later, "defer">;
};

/** Claims whose bytes certainly never left, to their places in the queue. */
export async function giveBack(
  { hot, owner }: Pick<Needs, "hot" | "owner">,
  {
    lane,
    claims,
    forget,
  }: { lane: Lane; claims: readonly Claim[]; forget: (id: MessageId) => void },
  isClosed: () => boolean,
): Promise<void> {
  if (claims.length === 0) return;
  const ids = claims.map(({ id }) => id);
  await untilStored(() => returnClaims(hot, ids, owner), isClosed);
  for (const claim of claims) refundUnsent({ claim, submissions: [] });
  for (const id of ids) forget(id);
  putBack(lane, claims);
}

/** Writes what may leave; the rest fails, or waits in `later`. */
export function writeClaimed(
  app: Omit<Needs, "hot" | "owner">,
  { writer, recorder, later }: Ways,
  claimed: readonly { lane: Lane; claimed: Claimed }[],
): void {
  const claimedAt = app.clock();
  for (const { lane, claimed: one } of claimed) {
    const own = lane.way.channel.connector;
    const by = one.message.onlyBy ?? one.claim.connector;
    const connector = by === own.name ? own : app.connectorNamed(by);
    const isWhole = connector?.takesWholeTexts ?? false;
    const flight = createFlight(one, { claimedAt, isWhole });
    const isAway = connector !== own && connector?.state().phase !== "bound";
    const picked = flight.isInDoubt
      ? undefined
      : app.pick(lane.row, one.message.recipient, flight.refusedBy, hasMedia(one.message));
    const verdict =
      flight.isInDoubt && isAway
        ? awaitCarrier(claimedAt)
        : (refuseMedia(flight, picked ?? connector) ??
          app.judge(one, picked?.name ?? flight.claim.connector));
    if (verdict.kind === "allowed") {
      if (picked === undefined || picked.name === flight.claim.connector) {
        writer.add(lane, partsOf(flight));
      } else writer.move(lane, [flight], picked);
      continue;
    }
    reserve(lane, -one.claim.segments);
    if (verdict.kind === "later") later.defer(flight, verdict);
    else recorder.record(toDeparture(flight, failedBecause(flight, verdict.errorCode, claimedAt)));
  }
  for (const lane of new Set(claimed.map((one) => one.lane))) writer.write(lane);
}

/** The routes have changed since it was accepted, or none that carries media is for its recipient. */
function refuseMedia({ message }: Flight, by: Connector | undefined): Verdict | undefined {
  if (!hasMedia(message) || by === undefined || by.carriesMedia === true) return undefined;
  return { kind: "refused", errorCode: MEDIA_NOT_CARRIED };
}

/** Its lane goes on meanwhile. */
function awaitCarrier(now: Date) {
  const notBefore = new Date(now.getTime() + CARRIER_AGAIN_MS);
  return { kind: "later", notBefore, why: "carrier" } as const;
}

function failedBecause({ claim }: Flight, errorCode: number, at: Date) {
  return { status: "failed", errorCode, at, createdAt: createdAt(claim.id) } as const;
}
