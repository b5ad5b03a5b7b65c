/** SQLSTATE classes that pass by themselves: connection, rollback, resources, shutdown. */
const passingClasses = ["08", "40", "53", "57", "25"];

/** The database cannot be reached now, so whether a statement was committed may be uncertain. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const code = String(error.code);
  if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith("E")) {
    return passingClasses.includes(code.slice(0, 2));
  }
  return code.startsWith("CONNECT") || code.startsWith("E");
}

/** A row with the same key was there, or came at the same time: nothing of the statement was done. */
export function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === UNIQUE_VIOLATION;
}

const UNIQUE_VIOLATION = "23505";

/** Runs a statement until it succeeds or `isOver`, for facts that must not be lost. */
export async function untilStored<Result>(
  run: () => Promise<Result>,
  isOver: () => boolean,
): Promise<Result> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (isOver() || !isDatabaseAway(error)) throw error;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

const RETRY_MS = 200;
