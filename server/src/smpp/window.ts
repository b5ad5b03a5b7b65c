/** The requests under way on a session and its timers, as a pure machine: it is told the time. */
export type Window<Waiting> = {
  /** Opens a request; gives its sequence number (section 3.2: 1 to 0x7fffffff). */
  readonly open: (waiting: Waiting, now: number) => number;
  /** The response came; nothing for a sequence that nobody waits for. */
  readonly close: (sequence: number) => Waiting | undefined;
  /** All requests up to now have left for the far end. */
  readonly written: () => void;
  /** A PDU came from the far end. */
  readonly heard: (now: number) => void;
  readonly tick: (now: number) => {
    readonly timedOut: readonly Waiting[];
    /** Time for an enquire_link. */
    readonly isQuiet: boolean;
    /** Nothing was heard since an enquire_link was due, for as long as its answer may take. */
    readonly isDead: boolean;
  };
  readonly free: () => number;
  readonly size: () => number;
  /** Forgets all requests and gives them back. */
  readonly clear: () => readonly { readonly waiting: Waiting; readonly isWritten: boolean }[];
};

const SEQUENCE_MAX = 0x7fffffff;
/** Requests may exceed the window's size (enquire_link, unbind): the ring has room for them. */
const BESIDE_MAX = 16;

type Slot<Waiting> = { sequence: number; deadline: number; batch: number; waiting: Waiting };

export function createWindow<Waiting>(options: {
  size: number;
  responseTimeoutMs: number;
  enquireLinkMs: number;
}): Window<Waiting> {
  // A ring by the sequence's low bits. A number whose slot is still taken is left out, so a request
  // that waits long costs a number and not a search.
  let ring = createRing<Waiting>(2 * (options.size + BESIDE_MAX));
  let size = 0;
  let sequence = 0;
  let batch = 0;
  let heardAt: number | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  const grow = () => {
    const larger = createRing<Waiting>(ring.length * 2);
    for (const slot of ring) {
      if (slot !== undefined) larger[slot.sequence & (larger.length - 1)] = slot;
    }
    ring = larger;
  };

  const takeAll = (isTaken: (slot: Slot<Waiting>) => boolean): Slot<Waiting>[] => {
    const taken: Slot<Waiting>[] = [];
    for (const [index, slot] of ring.entries()) {
      if (slot === undefined || !isTaken(slot)) continue;
      taken.push(slot);
      ring[index] = undefined;
      size -= 1;
    }
    return taken.sort((one, other) => one.deadline - other.deadline);
  };

  return {
    open: (waiting, now) => {
      if (size * 2 >= ring.length) grow();
      do sequence = sequence === SEQUENCE_MAX ? 1 : sequence + 1;
      while (ring[sequence & (ring.length - 1)] !== undefined);
      const deadline = now + options.responseTimeoutMs;
      ring[sequence & (ring.length - 1)] = { sequence, deadline, batch, waiting };
      size += 1;
      return sequence;
    },
    close: (number) => {
      const index = number & (ring.length - 1);
      const slot = ring[index];
      if (slot?.sequence !== number) return undefined;
      ring[index] = undefined;
      size -= 1;
      return slot.waiting;
    },
    written: () => {
      batch += 1;
    },
    heard: (now) => {
      heardAt = now;
    },
    tick: (now) => {
      const timedOut = takeAll(({ deadline }) => deadline <= now).map(({ waiting }) => waiting);
      heardAt ??= now;
      const silentMs = now - heardAt;
      const isQuiet = silentMs >= options.enquireLinkMs && askedAt <= heardAt;
      // From the asking, not from the last word: a machine that slept asks before it despairs.
      const isDead = askedAt > heardAt && now - askedAt >= options.responseTimeoutMs;
      if (isQuiet) askedAt = now;
      return { timedOut, isQuiet, isDead };
    },
    free: () => Math.max(0, options.size - size),
    size: () => size,
    clear: () =>
      takeAll(() => true).map((slot) => ({
        waiting: slot.waiting,
        isWritten: slot.batch < batch,
      })),
  };
}

function createRing<Waiting>(atLeast: number): (Slot<Waiting> | undefined)[] {
  return new Array(2 ** Math.ceil(Math.log2(atLeast))).fill(undefined);
}
