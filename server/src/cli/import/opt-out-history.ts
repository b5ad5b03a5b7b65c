import { readKeyword, type SenderKind } from "../../compliance/keywords.ts";
import { parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { TwilioMessage } from "./twilio-reader.ts";

export type FoundOptOut = { readonly pool: string; readonly recipient: string };

/** Where a sender's opt-outs hold: the service that it is in, else the sender alone. */
export type PoolOf = (sender: string) => { readonly pool: string; readonly kind: SenderKind };

/**
 * Reads opt-outs from a history, newest message first: the last word of a recipient to a pool counts.
 * A STOP, or a text that Twilio refused because of one (21610), is an opt-out; START takes it back.
 */
export async function readOptOuts(
  history: AsyncIterable<TwilioMessage>,
  poolOf: PoolOf,
): Promise<{ readonly optOuts: readonly FoundOptOut[]; readonly messages: number }> {
  const decided = new Set<string>();
  const optOuts: FoundOptOut[] = [];
  let messages = 0;
  for await (const message of history) {
    messages += 1;
    const word = wordOf(message, poolOf);
    if (word === undefined) continue;
    const key = `${word.pool} ${word.recipient}`;
    if (decided.has(key)) continue;
    decided.add(key);
    if (word.isStop) optOuts.push({ pool: word.pool, recipient: word.recipient });
  }
  return { optOuts, messages };
}

function wordOf(
  message: TwilioMessage,
  poolOf: PoolOf,
): (FoundOptOut & { readonly isStop: boolean }) | undefined {
  const { from, to, body, direction, error_code: errorCode } = message;
  if (direction === "inbound") {
    const recipient = parsePhoneNumber(from ?? "");
    const { pool, kind } = poolOf(to ?? "");
    const keyword = readKeyword(body ?? "", kind);
    if (recipient === undefined || keyword === undefined || keyword.kind === "help")
      return undefined;
    return { pool, recipient, isStop: keyword.kind === "stop" };
  }
  const recipient = parsePhoneNumber(to ?? "");
  const pool = message.messaging_service_sid ?? (from === null ? "" : poolOf(from).pool);
  if (errorCode !== 21610 || recipient === undefined || pool === "") return undefined;
  return { pool, recipient, isStop: true };
}
