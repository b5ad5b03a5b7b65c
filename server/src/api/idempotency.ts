import { createHash } from "node:crypto";
import { DAY } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import type { ApiNeeds } from "./needs.ts";
import { findAnswer, giveKeyBack, storeAnswer, takeKey } from "./store.ts";

/** How long an answer is replayed. */
export const KEY_LIFE_MS = DAY;
/** Below the 30 s after which an SDK gives up. */
const IN_FLIGHT_TRIES_MAX = 100;
const IN_FLIGHT_PAUSE_MS = 200;
const KEY_LENGTH_MAX = 255;

export type TextAnswer = { readonly status: number; readonly body: string };

type Asked = { readonly account: number; readonly key: string; readonly request: string };

/**
 * Runs a request once for its key: later ones get the first answer. A key in flight is waited for.
 * 20409 for another request under the same key, or one whose outcome is unknown. What failed for
 * want of resources or by a bug (429, 5xx) may be tried again.
 */
export async function answerOnce(
  app: Pick<ApiNeeds, "sql" | "clock" | "reportBug">,
  asked: Asked,
  answer: () => Promise<TextAnswer>,
): Promise<TextAnswer> {
  if (asked.key.length > KEY_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(asked.key)) {
    throw new ApiError(
      400,
      20001,
      `An idempotency key has 1 to ${KEY_LENGTH_MAX} visible ASCII characters.`,
    );
  }
  const at = app.clock();
  const since = new Date(at.getTime() - KEY_LIFE_MS);
  const sha256 = createHash("sha256").update(asked.request).digest();
  if (!(await takeKey(app.sql, asked, sha256, { at, since }))) {
    return firstAnswer(app, asked, sha256);
  }
  let first: TextAnswer;
  try {
    first = await answer();
  } catch (error) {
    await giveKeyBack(app.sql, asked);
    throw error;
  }
  try {
    if (first.status === 429 || first.status >= 500) await giveKeyBack(app.sql, asked);
    else await storeAnswer(app.sql, asked, first);
  } catch (error) {
    // What the request asked for is done and durable: the caller must not hear that it failed.
    app.reportBug(error, "idempotency");
  }
  return first;
}

async function firstAnswer(
  app: Pick<ApiNeeds, "sql">,
  asked: Asked,
  sha256: Buffer,
): Promise<TextAnswer> {
  for (let tries = 0; tries < IN_FLIGHT_TRIES_MAX; tries += 1) {
    const stored = await findAnswer(app.sql, asked);
    if (stored === undefined) {
      throw new ApiError(429, 20429, "The first request with this key failed. Send it again.");
    }
    if (!sha256.equals(stored.requestSha256)) {
      throw new ApiError(
        409,
        20409,
        "This idempotency key was used for another request. Use a new key for each.",
      );
    }
    if (stored.status !== null) return { status: stored.status, body: stored.body ?? "" };
    await new Promise((done) => setTimeout(done, IN_FLIGHT_PAUSE_MS));
  }
  throw new ApiError(
    409,
    20409,
    "The first request with this key has no answer yet. Look whether its message is in the list.",
  );
}
