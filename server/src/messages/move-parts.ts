import type { Connector } from "../connectors/connector.ts";
import { type Flight, hasMedia, type Part, partsOf, reassign } from "./flight.ts";
import { type Lane, reserve } from "./lane.ts";
import type { Writing } from "./part-writer.ts";
import { hasBegun } from "./reroute.ts";

/** What waits for a connector that is down goes by another, as long as nothing of it has left. */
export function leaveLost(writer: Writing, lane: Lane, parts: readonly Part[]): void {
  const moves = new Map<Connector, Flight[]>();
  let up: string | undefined;
  for (const { flight } of parts) {
    if (flight.claim.connector === up || hasBegun(flight)) continue;
    if (connectorOf(writer, lane, flight)?.state().phase === "bound") {
      up = flight.claim.connector;
      continue;
    }
    const isMms = hasMedia(flight.message);
    const next =
      writer.pick(lane.row, flight.message.recipient, flight.refusedBy, isMms) ??
      lane.way.channel.connector;
    if (next.name === flight.claim.connector || next.state().phase !== "bound") continue;
    if (isMms && next.carriesMedia !== true) continue;
    const flights = moves.get(next) ?? [];
    if (!flights.includes(flight)) moves.set(next, [...flights, flight]);
  }
  for (const [to, flights] of moves) move(writer, { lane, flights, to });
}

/** They are written when their claims name the connector, so that a crash in between stays certain. */
export function move(
  writer: Writing,
  { lane, flights, to }: { lane: Lane; flights: readonly Flight[]; to: Connector },
): void {
  const ready = writer.ready.get(lane) ?? [];
  const staying = ready.filter(({ flight }) => !flights.includes(flight));
  ready.splice(0, ready.length, ...staying);
  for (const flight of flights) {
    void writer.rerouter.record(flight.claim, to).then((isOurs) => {
      if (isOurs && !flight.isOver) {
        reassign(flight, to);
        const parts = writer.ready.get(lane) ?? [];
        parts.push(...partsOf(flight));
        writer.ready.set(lane, parts);
        writer.write(lane);
        return;
      }
      reserve(lane, -flight.claim.segments);
      if (!isOurs) writer.lose(flight);
    }, writer.onError);
  }
}

export function connectorOf(writer: Writing, lane: Lane, { claim }: Flight): Connector | undefined {
  const { connector } = lane.way.channel;
  return connector.name === claim.connector ? connector : writer.connectorNamed(claim.connector);
}

export function segmentsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.segments, 0);
}
