import { ApiError } from "../lib/errors.ts";
import type { Accepted } from "./accept.ts";
import type { AcceptedRow } from "./accept-store.ts";
import type { Decide, NewMessage } from "./decide-message.ts";

/** A statement's worth; 500 make a message hardly cheaper, and take a core for twice as long. */
const SLICE_MAX = 250;
/** Messages decided on between two turns of the event loop: some two milliseconds of work. */
const DECIDED_AT_ONCE_MAX = 100;

/** How each message is decided on, and slices of them stored. */
export type BulkSteps = {
  readonly decide: Decide;
  readonly store: (rows: readonly AcceptedRow[]) => Promise<readonly (Accepted | ApiError)[]>;
};

/** One slice is decided on while the one before it is stored. */
export async function acceptBulk(
  messages: readonly NewMessage[],
  steps: BulkSteps,
): Promise<readonly (Accepted | ApiError)[]> {
  const results: (Accepted | ApiError)[] = [];
  let decided = await decideAll(messages.slice(0, SLICE_MAX), steps);
  for (let end = decided.length; decided.length > 0; end += decided.length) {
    const next = messages.slice(end, end + SLICE_MAX);
    const [stored, nextDecided] = await Promise.all([
      storeDecided(decided, steps),
      decideAll(next, steps),
    ]);
    results.push(...stored);
    decided = nextDecided;
  }
  return results;
}

async function decideAll(messages: readonly NewMessage[], { decide }: BulkSteps) {
  const decided: Decided[] = [];
  for (let start = 0; start < messages.length; start += DECIDED_AT_ONCE_MAX) {
    const some = messages.slice(start, start + DECIDED_AT_ONCE_MAX);
    const rows = some.map((message) => decideOrRefuse(message, decide));
    decided.push(...(areDecided(rows) ? rows : await Promise.all(rows)));
    await new Promise((done) => setImmediate(done));
  }
  return decided;
}

type Decided = AcceptedRow | ApiError;

function decideOrRefuse(message: NewMessage, decide: Decide): Decided | Promise<Decided> {
  try {
    const row = decide(message);
    return row instanceof Promise ? row.catch(asApiError) : row;
  } catch (error) {
    return error instanceof ApiError ? error : Promise.reject(error);
  }
}

/** A promise for each message would cost more than what is decided. */
function areDecided(rows: readonly (Decided | Promise<Decided>)[]): rows is readonly Decided[] {
  return !rows.some((row) => row instanceof Promise);
}

async function storeDecided(decided: readonly Decided[], { store }: BulkSteps) {
  const rows = decided.filter((row): row is AcceptedRow => !(row instanceof ApiError));
  const stored = (rows.length > 0 ? await store(rows) : []).values();
  return decided.map((row) => (row instanceof ApiError ? row : stored.next().value)) as (
    | Accepted
    | ApiError
  )[];
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
