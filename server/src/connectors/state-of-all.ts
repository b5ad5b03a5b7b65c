import type { ConnectorState } from "./connector.ts";

/** Bound as soon as one is; else what the one says that comes back first. */
export function stateOfAll(states: readonly ConnectorState[]): ConnectorState {
  const bound = states.filter((state) => state.phase === "bound");
  if (bound.length > 0) {
    const window = bound.reduce((sum, state) => sum + state.window, 0);
    const inFlight = bound.reduce((sum, one) => sum + one.inFlight, 0);
    const rate = bound.reduce((sum, one) => sum + (one.segmentsPerSecond ?? 0), 0);
    const aMinute = bound.reduce((sum, one) => sum + (one.segmentsPerMinute ?? 0), 0);
    return {
      ...{ phase: "bound", window, inFlight },
      ...(rate === 0 ? {} : { segmentsPerSecond: rate }),
      ...(aMinute === 0 ? {} : { segmentsPerMinute: aMinute }),
    };
  }
  const waiting = states.filter((state) => state.phase === "reconnecting");
  waiting.sort((one, other) => one.nextAttemptAt.getTime() - other.nextAttemptAt.getTime());
  return waiting[0] ?? states[0] ?? { phase: "connecting" };
}
