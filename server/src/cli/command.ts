/** What a command may touch: passed in, so that a test can hold it. */
export type CommandIo = {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof fetch;
  /** Waits so many milliseconds; a real wait unless a test says otherwise. */
  readonly pause?: (ms: number) => Promise<unknown>;
};

/** `process.stdout` is one. */
export type Terminal = {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

export type Command = {
  readonly name: string;
  /** What follows the name: `TO BODY [--from NUMBER]`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Lines for `longwave help NAME`. */
  readonly details: readonly string[];
  /** `argv` is what follows the name. Resolves with the exit code; may throw a `CommandError`. */
  readonly run: (argv: readonly string[], io: CommandIo) => Promise<number>;
};

export const exitCodes = {
  done: 0,
  /** Longwave refused, or the message was not delivered. */
  failed: 1,
  /** The command was not understood. */
  usage: 2,
  /** No Longwave was reached, or it does not know the credentials. */
  unreachable: 3,
} as const;

/** Ends a command: one sentence that says what is wrong, one that says what to do. */
export class CommandError extends Error {
  readonly exitCode: number;
  readonly remedy: string | undefined;

  constructor(exitCode: number, message: string, remedy?: string) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

export function usageError(message: string, remedy?: string): CommandError {
  return new CommandError(exitCodes.usage, message, remedy);
}
