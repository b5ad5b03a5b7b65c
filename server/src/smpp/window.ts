/** The requests under way on a session and its timers, as a pure machine: it is told the time. */
export type Window<Waiting> = {
  /** Opens a request; gives its sequence number (section 3.2: 1 to 0x7fffffff). */
  readonly open: (waiting: Waiting, now: number) => number;
  /** The response came; nothing for a sequence that nobody waits for. */
  readonly close: (sequence: number) => Waiting | undefined;
  /** Bytes came from the far end. */
  readonly heard: (now: number) => void;
  readonly tick: (now: number) => {
    readonly timedOut: readonly Waiting[];
    /** Time for an enquire_link. */
    readonly isQuiet: boolean;
    /** Nothing was heard for an enquire_link's interval and its answer's time. */
    readonly isDead: boolean;
  };
  readonly free: () => number;
  readonly size: () => number;
  /** Forgets all requests and gives them back. */
  readonly clear: () => readonly Waiting[];
};

const SEQUENCE_MAX = 0x7fffffff;

export function createWindow<Waiting>(options: {
  size: number;
  responseTimeoutMs: number;
  enquireLinkMs: number;
}): Window<Waiting> {
  const open = new Map<number, { waiting: Waiting; deadline: number }>();
  let sequence = 0;
  let heardAt: number | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  return {
    open: (waiting, now) => {
      sequence = sequence === SEQUENCE_MAX ? 1 : sequence + 1;
      open.set(sequence, { waiting, deadline: now + options.responseTimeoutMs });
      return sequence;
    },
    close: (number) => {
      const found = open.get(number);
      open.delete(number);
      return found?.waiting;
    },
    heard: (now) => {
      heardAt = now;
    },
    tick: (now) => {
      const timedOut: Waiting[] = [];
      // Requests are in the order of their deadlines, so the first that still has time ends it.
      for (const [number, request] of open) {
        if (request.deadline > now) break;
        open.delete(number);
        timedOut.push(request.waiting);
      }
      heardAt ??= now;
      const silentMs = now - heardAt;
      const isQuiet = silentMs >= options.enquireLinkMs && now - askedAt >= options.enquireLinkMs;
      if (isQuiet) askedAt = now;
      const isDead = silentMs >= options.enquireLinkMs + options.responseTimeoutMs;
      return { timedOut, isQuiet, isDead };
    },
    free: () => Math.max(0, options.size - open.size),
    size: () => open.size,
    clear: () => {
      const all = [...open.values()].map(({ waiting }) => waiting);
      open.clear();
      return all;
    },
  };
}
