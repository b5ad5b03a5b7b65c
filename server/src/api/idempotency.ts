import { createHash } from "node:crypto";
import { isDatabaseAway } from "../db/database-errors.ts";
import { DAY, MINUTE } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { ApiNeeds } from "./needs.ts";
import {
  findAnswer,
  giveKeyBack,
  type KeyTimes,
  letKeyGo,
  type StoredAnswer,
  storeAnswer,
  takeKey,
} from "./store.ts";

/** How long an answer is replayed. */
export const KEY_LIFE_MS = DAY;
/** Longer than any request runs, so that who took a key before this has died. */
export const ABANDONED_AFTER_MS = MINUTE;
/** Below the 30 s after which an SDK gives up. */
const IN_FLIGHT_TRIES_MAX = 100;
const IN_FLIGHT_PAUSE_MS = 200;
const KEY_LENGTH_MAX = 255;

export type TextAnswer = { readonly status: number; readonly body: string };

/** Ids of messages, kept with a key before anything is accepted under it. */
export type Reservation = {
  /** The first of them, see `idAfter`. */
  readonly id: MessageId;
  /** Somebody ran this request before and may have stored its messages. */
  readonly isAgain: boolean;
};

type Needs = Pick<ApiNeeds, "sql" | "clock" | "newId" | "reportBug">;

type Asked = {
  readonly account: number;
  readonly key: string;
  readonly request: string;
  /** How many messages it accepts; 0 for a request of another kind. */
  readonly messages: number;
};

type Run = (reserved: Reservation | undefined) => Promise<TextAnswer>;

/**
 * Runs a request once for its key: later ones get the first answer. A key in flight is waited for.
 * Another request under the same key is refused (20409).
 *
 * What accepts messages is run again when whoever ran it has died, with the ids reserved at first:
 * the message is stored once. Anything else whose outcome is not certain is never run again: 20409
 * says so until the key's day is over.
 */
export async function answerOnce(app: Needs, asked: Asked, run: Run): Promise<TextAnswer> {
  if (asked.key.length > KEY_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(asked.key)) {
    throw new ApiError(
      400,
      20001,
      `An idempotency key has 1 to ${KEY_LENGTH_MAX} visible ASCII characters.`,
    );
  }
  const sha256 = createHash("sha256").update(asked.request).digest();
  for (let tries = 0; tries < IN_FLIGHT_TRIES_MAX; tries += 1) {
    // Looked up before it is taken: an answer that is there must cost no ids.
    const stored = await findAnswer(app.sql, asked, timesOf(app));
    if (stored === undefined || isLeft(stored, sha256)) {
      const first = await runFirst(app, { ...asked, sha256 }, run);
      if (first !== undefined) return first;
    } else if (!sha256.equals(stored.requestSha256)) {
      throw conflict("This idempotency key was used for another request. Use a new key for each.");
    } else if (stored.status !== null) {
      return { status: stored.status, body: stored.body ?? "" };
    } else if (stored.isAbandoned) {
      throw conflict(
        "What the first request with this key did is not known. Look whether it is there, then use a new key.",
      );
    }
    await new Promise((done) => setTimeout(done, IN_FLIGHT_PAUSE_MS));
  }
  throw new ApiError(429, 20429, "The first request with this key still runs. Ask again.");
}

/** Whoever ran it has died, and running it again does no harm. */
function isLeft(stored: StoredAnswer, sha256: Buffer): boolean {
  const isInFlight = stored.status === null && sha256.equals(stored.requestSha256);
  return isInFlight && stored.isAbandoned && stored.isRepeatable;
}

/** Nothing when the key is somebody else's. */
async function runFirst(
  app: Needs,
  asked: Asked & { readonly sha256: Buffer },
  run: Run,
): Promise<TextAnswer | undefined> {
  const times = timesOf(app);
  const { at } = times;
  const message = asked.messages > 0 ? app.newId(0, asked.messages) : undefined;
  const taken = await takeKey(
    app.sql,
    { account: asked.account, key: asked.key, requestSha256: asked.sha256, message },
    times,
  );
  if (taken === undefined) return undefined;
  const reserved =
    taken.message === null ? undefined : { id: taken.message, isAgain: taken.message !== message };
  let answer: TextAnswer;
  try {
    answer = await run(reserved);
  } catch (error) {
    await endFailed(app, { asked, at, reserved }, error).catch((cause: unknown) =>
      app.reportBug(cause, "idempotency"),
    );
    throw error;
  }
  // What the request asked for is done and durable: the caller must not hear that it failed.
  await storeAnswer(app.sql, asked, answer).catch((error: unknown) =>
    app.reportBug(error, "idempotency"),
  );
  return answer;
}

/** A refusal of ours is certain, and so is PostgreSQL's; a lost connection leaves doubt. */
function endFailed(
  app: Needs,
  of: {
    readonly asked: Asked;
    readonly at: Date;
    readonly reserved: Reservation | undefined;
  },
  error: unknown,
): Promise<void> {
  const { asked, at, reserved } = of;
  if (reserved !== undefined) {
    // Who ran it before may yet store it, and a bulk may have stored its first slices.
    const isCertain = error instanceof ApiError && !reserved.isAgain;
    return isCertain ? giveKeyBack(app.sql, asked, at) : letKeyGo(app.sql, asked, at);
  }
  return isDatabaseAway(error) ? Promise.resolve() : giveKeyBack(app.sql, asked, at);
}

function timesOf(app: Needs): KeyTimes {
  const at = app.clock();
  return {
    at,
    since: new Date(at.getTime() - KEY_LIFE_MS),
    abandonedBefore: new Date(at.getTime() - ABANDONED_AFTER_MS),
  };
}

function conflict(why: string): ApiError {
  return new ApiError(409, 20409, why);
}
