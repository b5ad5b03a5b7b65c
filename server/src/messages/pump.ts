import type { Connector } from "../connectors/connector.ts";
import type { Claimer } from "./claimer.ts";
import type { LaneRow } from "./dispatch-store.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneReader } from "./lane-reader.ts";
import type { PartWriter } from "./write-parts.ts";

/** A claim is made at most this long before its bytes may leave. */
const CLAIM_AHEAD_MS = 50;

export type PumpNeeds = {
  readonly book: LaneBook;
  readonly claimer: Claimer;
  readonly writer: PartWriter;
  readonly reader: LaneReader;
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly routeOf: (
    lane: LaneRow,
  ) => { readonly segmentsPerSecond: number; readonly connector: Connector } | undefined;
};

export type Pump = {
  /** Looks at the busy lanes at the end of this turn of the event loop. */
  readonly soon: () => void;
  readonly close: () => void;
};

/** Claims from each busy lane what its limiter and its connector's window would take now. */
export function createPump(app: PumpNeeds): Pump {
  let isWaiting = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const run = () => {
    isWaiting = false;
    if (isClosed) return;
    const now = performance.now();
    const slots = new Map<Connector, number>();
    let soonest = Number.POSITIVE_INFINITY;
    for (const lane of [...app.book.busy]) {
      if (lane.unread().length > 0) app.reader.fill(lane);
      soonest = Math.min(soonest, claimFrom(app, { lane, now, slots }));
      if (lane.size() === 0 && lane.unread().length === 0) app.book.busy.delete(lane);
    }
    if (soonest === Number.POSITIVE_INFINITY) return;
    clearTimeout(timer);
    timer = setTimeout(run, Math.max(1, soonest - now));
  };

  return {
    soon: () => {
      if (isWaiting) return;
      isWaiting = true;
      setImmediate(run);
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** When the lane is to be looked at again because of its limiter; infinite: something else wakes. */
function claimFrom(
  app: PumpNeeds,
  { lane, now, slots }: { lane: Lane; now: number; slots: Map<Connector, number> },
): number {
  const route = app.routeOf(lane.row);
  const epoch = app.epochOf(lane.row.shard);
  if (route === undefined || epoch === undefined || !app.book.mayClaim(lane)) {
    return Number.POSITIVE_INFINITY;
  }
  const { connector } = route;
  app.book.setRate(lane, route.segmentsPerSecond);
  let free = slots.get(connector) ?? connector.freeSlots() - app.writer.reservedFor(connector);
  let again = Number.POSITIVE_INFINITY;
  while (free > 0 && lane.size() > 0) {
    const earliest = Math.max(lane.limiter.earliest(lane.reserved), lane.notBefore);
    if (earliest > now + CLAIM_AHEAD_MS) {
      again = earliest - CLAIM_AHEAD_MS;
      break;
    }
    const queued = lane.next();
    if (queued === undefined) break;
    if (!app.claimer.take(lane, queued, { connector: connector.name, epoch })) continue;
    app.writer.reserve(lane, queued.segments);
    free -= queued.segments;
  }
  slots.set(connector, free);
  return again;
}
