import { ApiError } from "../../lib/errors.ts";
import { isSid } from "../../lib/sid.ts";
import { BODY_LENGTH_MAX, type NewMessage, VALIDITY_SECONDS_MAX } from "../../messages/accept.ts";
import type { Priority } from "../../messages/message.ts";
import { type PhoneNumber, parsePhoneNumber } from "../../numbers/phone-number.ts";
import { isShortCode } from "../../numbers/short-code.ts";
import type { Sender } from "../../senders/sender.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds } from "../needs.ts";
import type { ApiRequest } from "../route.ts";

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
  MessagingServiceSid: "different",
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
  FallbackFrom: "absent",
} as const satisfies ParameterTable;

const priorities: readonly Priority[] = [0, 1, 2, 3];
const intents = [
  ...["otp", "notifications", "marketing", "fraud", "security", "customercare", "delivery"],
  ...["education", "polling", "announcements", "events"],
];
/** The channels that are not texts. */
const channelPattern = /^(whatsapp|rcs|messenger):/i;
const MEDIA_MAX = 10;

/** Everything of a new message that can be refused before its sender is known. */
export function readNewMessage(request: ApiRequest): {
  readonly to: PhoneNumber;
  readonly from: string;
  readonly body: string;
  readonly options: Pick<
    NewMessage,
    "statusCallback" | "validityS" | "priority" | "smartEncoded" | "provideFeedback" | "isMarketing"
  >;
} {
  const { form } = request;
  const to = readRecipient(form.text("To"));
  const from = readFrom(request);
  if (parsePhoneNumber(from) === to) {
    throw new ApiError(400, 21266, `'To' and 'From' are both ${to}. Send to another number.`);
  }
  const body = readBody(request);
  const statusCallback = form.url("StatusCallback", 21609) || undefined;
  const range = { min: 1, max: VALIDITY_SECONDS_MAX, code: 21624 };
  const validityS = form.int("ValidityPeriod", range);
  const intent = form.choice("MessageIntent", intents);
  const priority = readPriority(request, intent);
  return {
    ...{ to, from, body },
    options: {
      ...(statusCallback === undefined ? {} : { statusCallback }),
      ...(validityS === undefined ? {} : { validityS }),
      ...(priority === undefined ? {} : { priority }),
      ...(form.flag("SmartEncoded") === true ? { smartEncoded: true } : {}),
      ...(intent === "marketing" ? { isMarketing: true } : {}),
      ...(form.flag("ProvideFeedback") === true ? { provideFeedback: true } : {}),
    },
  };
}

/** The account's own sender; 21212 malformed, 21660 somebody else's, 21659 nobody's, 21621 no media. */
export function findSender(
  app: Pick<ApiNeeds, "senderBook">,
  account: number,
  from: string,
  request: ApiRequest,
): Sender {
  const number = isShortCode(from) ? from : parsePhoneNumber(from);
  if (number === undefined) {
    throw new ApiError(400, 21212, "The 'From' number is not valid. Write it like +12025550123.");
  }
  const sender = app.senderBook.find(account, number);
  if (sender === undefined) {
    const isHeld = app.senderBook.byNumber(number) !== undefined;
    throw isHeld
      ? new ApiError(400, 21660, `The 'From' number ${number} belongs to another account.`)
      : new ApiError(
          400,
          21659,
          `The 'From' number ${number} is not one of this account's. IncomingPhoneNumbers lists them.`,
        );
  }
  if (request.form.list("MediaUrl").some((url) => url !== "")) {
    throw new ApiError(
      400,
      21621,
      `The 'From' number ${number} cannot send media. Leave MediaUrl out.`,
    );
  }
  return sender;
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

function readFrom(request: ApiRequest): string {
  const from = request.form.text("From")?.trim() || undefined;
  const service = request.form.text("MessagingServiceSid") || undefined;
  if (service !== undefined) {
    throw isSid("MG", service.toLowerCase().replace(/^mg/, "MG"))
      ? new ApiError(400, 21701, `The messaging service ${service} does not exist. Use 'From'.`)
      : new ApiError(400, 21705, "The MessagingServiceSid is not valid. Use 'From'.");
  }
  if (from === undefined) {
    throw new ApiError(400, 21603, "The parameter 'From' is missing. Give one of your senders.");
  }
  refuseChannel(from);
  return from;
}

function readBody(request: ApiRequest): string {
  const body = request.form.text("Body") ?? "";
  const media = request.form.list("MediaUrl").filter((url) => url !== "");
  if (media.length > MEDIA_MAX) {
    throw new ApiError(400, 21623, `A message has at most ${MEDIA_MAX} media.`);
  }
  if (media.some((url) => !/^https?:\/\//i.test(url))) {
    throw new ApiError(400, 21620, "A MediaUrl must begin with http:// or https://.");
  }
  if (body === "" && media.length === 0) {
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
