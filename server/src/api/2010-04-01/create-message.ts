import { ApiError } from "../../lib/errors.ts";
import type { MessageId } from "../../lib/message-id.ts";
import { isSid } from "../../lib/sid.ts";
import {
  BODY_LENGTH_MAX,
  type NewMessage,
  VALIDITY_SECONDS_MAX,
} from "../../messages/decide-message.ts";
import { isMediaUrl, MEDIA_MAX, type MediaList, mediaToSend } from "../../messages/media.ts";
import type { Priority } from "../../messages/message.ts";
import { type PhoneNumber, parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiRequest } from "../route.ts";
import type { AskedOrigin, MessageOrigin } from "./message-origin.ts";

export const createParameters = {
  To: "same",
  From: "same",
  Body: "same",
  StatusCallback: "same",
  ValidityPeriod: "same",
  SmartEncoded: "same",
  ProvideFeedback: "same",
  MessageIntent: "different",
  Priority: "different",
  MessagingServiceSid: "same",
  FallbackFrom: "different",
  MediaUrl: "different",
  ForceDelivery: "ignored",
  MaxPrice: "ignored",
  Attempt: "ignored",
  TrafficType: "ignored",
  RiskCheck: "ignored",
  ContentRetention: { only: "retain" },
  AddressRetention: { only: "retain" },
  ShortenUrls: { only: "false" },
  SendAsMms: { only: "false" },
  ApplicationSid: "absent",
  PersistentAction: "absent",
  ScheduleType: "absent",
  SendAt: "absent",
  ContentSid: "absent",
  ContentVariables: "absent",
} as const satisfies ParameterTable;

const priorities: readonly Priority[] = [0, 1, 2, 3];
const intents = [
  ...["otp", "notifications", "marketing", "fraud", "security", "customercare", "delivery"],
  ...["education", "polling", "announcements", "events"],
];
/** The channels that are not texts. */
const channelPattern = /^(whatsapp|rcs|messenger):/i;
const MEDIA_URL_LENGTH_MAX = 2_000;

/** Everything of a new message that can be refused before its sender is known. */
export function readNewMessage(request: ApiRequest): {
  readonly to: PhoneNumber;
  readonly origin: AskedOrigin;
  readonly body: string;
  readonly options: Pick<
    NewMessage,
    | ("statusCallback" | "validityS" | "priority" | "smartEncoded")
    | ("provideFeedback" | "isMarketing" | "media")
  >;
} {
  const { form } = request;
  const to = readRecipient(form.text("To"));
  const origin = readOrigin(request);
  if (origin.from !== undefined && parsePhoneNumber(origin.from) === to) {
    throw new ApiError(400, 21266, `'To' and 'From' are both ${to}. Send to another number.`);
  }
  const media = readMedia(request);
  const body = readBody(request, media !== undefined);
  const statusCallback = form.url("StatusCallback", 21609) || undefined;
  const range = { min: 1, max: VALIDITY_SECONDS_MAX, code: 21624 };
  const validityS = form.int("ValidityPeriod", range);
  const intent = form.choice("MessageIntent", intents);
  const priority = readPriority(request, intent);
  const smartEncoded = form.flag("SmartEncoded") || undefined;
  const provideFeedback = form.flag("ProvideFeedback") || undefined;
  const isMarketing = intent === "marketing" || undefined;
  return {
    to,
    origin,
    body,
    options: {
      statusCallback,
      validityS,
      priority,
      smartEncoded,
      provideFeedback,
      isMarketing,
      media,
    },
  };
}

type Parts = Pick<ReturnType<typeof readNewMessage>, "to" | "body" | "options"> & {
  readonly found: MessageOrigin;
  readonly id?: MessageId | undefined;
};

/** What is accepted; the request's own options before its service's. Always of one shape: that is faster. */
export function newMessage(account: number, { to, body, found, options, id }: Parts): NewMessage {
  return {
    id,
    account,
    sender: found.sender,
    service: found.service,
    fallbackFrom: found.fallbackFrom,
    recipient: to,
    body,
    direction: "outbound-api",
    statusCallback: options.statusCallback ?? found.statusCallback,
    validityS: options.validityS ?? found.validityS,
    priority: options.priority ?? found.priority,
    smartEncoded: options.smartEncoded ?? found.smartEncoded,
    provideFeedback: options.provideFeedback,
    isMarketing: options.isMarketing,
    media: options.media,
  };
}

function readRecipient(text: string | undefined): PhoneNumber {
  if (text === undefined || text.trim() === "") {
    throw new ApiError(400, 21604, "The parameter 'To' is missing. Give the recipient's number.");
  }
  refuseChannel(text);
  const number = parsePhoneNumber(text);
  if (number !== undefined) return number;
  throw new ApiError(400, 21211, "The 'To' number is not valid. Write it like +12025550123.");
}

function readOrigin(request: ApiRequest): AskedOrigin {
  const from = request.form.text("From")?.trim() || undefined;
  const service = request.form.text("MessagingServiceSid")?.trim() || undefined;
  const fallback = request.form.text("FallbackFrom")?.trim() || undefined;
  if (fallback !== undefined) refuseFallback({ from, service });
  if (from === undefined && service === undefined) {
    throw new ApiError(
      400,
      21603,
      "A 'From' or a 'MessagingServiceSid' is missing. Give one of your senders or services.",
    );
  }
  if (from !== undefined) refuseChannel(from);
  const sid = service?.toLowerCase().replace(/^mg/, "MG");
  if (sid === undefined || isSid("MG", sid)) return { from, service: sid, fallback };
  throw new ApiError(
    400,
    21705,
    "The MessagingServiceSid is not valid. Write MG and 32 hexadecimal digits.",
  );
}

/** A fallback is for the case that the service finds nobody: where it chooses. */
function refuseFallback(asked: Pick<AskedOrigin, "from" | "service">): void {
  if (asked.from !== undefined) {
    throw new ApiError(400, 21664, "'FallbackFrom' cannot be used with 'From'. Leave one out.");
  }
  if (asked.service !== undefined) return;
  throw new ApiError(400, 21666, "'FallbackFrom' needs a 'MessagingServiceSid'. Give a service.");
}

/** Never fetched here: whoever sends the message on does. */
function readMedia(request: ApiRequest): MediaList | undefined {
  const media = request.form.list("MediaUrl").filter((url) => url !== "");
  if (media.length > MEDIA_MAX) {
    throw new ApiError(400, 21623, `A message has at most ${MEDIA_MAX} media.`);
  }
  if (media.some((url) => !isMediaUrl(url) || url.length > MEDIA_URL_LENGTH_MAX)) {
    throw new ApiError(
      400,
      21620,
      `A MediaUrl must begin with http:// or https://, and have at most ${MEDIA_URL_LENGTH_MAX} characters.`,
    );
  }
  return mediaToSend(media);
}

function readBody(request: ApiRequest, hasMedia: boolean): string {
  const body = request.form.text("Body") ?? "";
  if (body === "" && !hasMedia) {
    throw new ApiError(400, 21619, "The parameter 'Body' is missing. Give the text.");
  }
  if (body.length > BODY_LENGTH_MAX) {
    throw new ApiError(
      400,
      21617,
      `The body has ${body.length} characters, the limit is ${BODY_LENGTH_MAX}. Shorten it or send several messages.`,
    );
  }
  return body;
}

/** Our own parameter, 0 leaves first; else a one-time code goes before everything. */
function readPriority(request: ApiRequest, intent: string | undefined): Priority | undefined {
  const number = request.form.int("Priority", { min: 0, max: 3 });
  if (number !== undefined) return priorities[number];
  return intent === "otp" ? 0 : undefined;
}

function refuseChannel(address: string): void {
  const [, channel] = channelPattern.exec(address.trim()) ?? [];
  if (channel === undefined) return;
  throw new ApiError(400, 63007, `The channel ${channel} is not in this version. Send a text.`);
}
