import type { Account } from "../../accounts/account.ts";
import type { Sid } from "../../lib/sid.ts";
import { mediaUrls } from "../../messages/media.ts";
import type { Message } from "../../messages/message.ts";
import { messageCodes } from "../error-codes/message-codes.ts";
import { sendCodes } from "../error-codes/send-codes.ts";
import { serviceCodes } from "../error-codes/service-codes.ts";
import { rfc2822 } from "../rfc2822.ts";

/** A message as the 2010 API writes it: counts and prices are texts, what is not yet known is null. */
export function showMessage(account: Account, sid: Sid, message: Message): object {
  const uri = `/2010-04-01/Accounts/${account.sid}/Messages/${sid}`;
  const { errorCode, priceMicros } = message;
  return {
    sid,
    account_sid: account.sid,
    messaging_service_sid: message.service ?? null,
    from: message.sender === "" ? null : message.sender,
    to: message.recipient,
    body: message.body,
    status: message.status,
    direction: message.direction,
    num_segments: message.sender === "" ? "0" : String(message.segments),
    num_media: String(mediaUrls(message.media)?.length ?? 0),
    error_code: errorCode ?? null,
    error_message: errorCode === undefined ? null : meaningOf(errorCode),
    price: priceMicros === undefined ? null : showPrice(priceMicros),
    price_unit: "USD",
    date_created: rfc2822(message.createdAt),
    date_sent: message.sentAt === undefined ? null : rfc2822(message.sentAt),
    date_updated: rfc2822(message.updatedAt),
    api_version: "2010-04-01",
    uri: `${uri}.json`,
    subresource_uris: { media: `${uri}/Media.json`, feedback: `${uri}/Feedback.json` },
  };
}

/** A message also fails by what would have been refused at its start, such as an opt-out. */
function meaningOf(errorCode: number): string {
  return (
    (messageCodes[errorCode] ?? sendCodes[errorCode] ?? serviceCodes[errorCode])?.meaning ??
    "Unknown error"
  );
}

/** What was paid is negative, in five digits after the point. */
function showPrice(priceMicros: bigint): string {
  const units = String(priceMicros / 10n).padStart(6, "0");
  return `${priceMicros === 0n ? "" : "-"}${units.slice(0, -5)}.${units.slice(-5)}`;
}
