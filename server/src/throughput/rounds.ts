export type Rounds = {
  /** Runs a round now, or after the one under way; the next follows at its usual distance. */
  readonly runNow: () => Promise<void>;
  /** Resolves when the round under way is done. */
  readonly close: () => Promise<void>;
};

/** Repeats something, never two at once, the first time when told to. */
export function createRounds(app: {
  everyMs: number;
  run: () => Promise<void>;
  /** Errors of the rounds that the timer began. */
  onError: (error: unknown) => void;
}): Rounds {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let waiting: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();

  const runNow = (): Promise<void> => {
    if (waiting !== undefined) return waiting;
    const round = last.then(async () => {
      waiting = undefined;
      if (!isClosed) await app.run();
    });
    waiting = round;
    last = round.catch(() => undefined).then(runLater);
    return round;
  };

  const runLater = () => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
      runNow().catch(app.onError);
    }, app.everyMs);
  };

  return {
    runNow,
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await last;
    },
  };
}
