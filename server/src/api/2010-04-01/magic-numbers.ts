import { ApiError } from "../../lib/errors.ts";
import type { MessageId } from "../../lib/message-id.ts";
import { newSid } from "../../lib/sid.ts";
import type { MediaList } from "../../messages/media.ts";
import type { Message } from "../../messages/message.ts";
import { segmentBody } from "../../segments/segment.ts";
import type { Sender, SenderSettings } from "../../senders/sender.ts";
import type { ApiRequest } from "../route.ts";

// Twilio's magic numbers of test credentials: each gives its error, nothing is stored or sent.
const bySender: Readonly<Record<string, number>> = {
  "+15005550001": 21212,
  "+15005550007": 21606,
  "+15005550008": 21611,
};
const byRecipient: Readonly<Record<string, number>> = {
  "+15005550001": 21211,
  "+15005550002": 21612,
  "+15005550003": 21408,
  "+15005550004": 21610,
  "+15005550009": 21614,
};
const byClaim: Readonly<Record<string, number>> = {
  "+15005550000": 21422,
  "+15005550001": 21421,
};
const WORKING_NUMBER = "+15005550006";

export function sendForTest(
  message: {
    readonly from: string;
    readonly to: string;
    readonly body: string;
    readonly media?: MediaList | undefined;
  },
  at: Date,
): Message {
  const code =
    message.from === WORKING_NUMBER ? byRecipient[message.to] : (bySender[message.from] ?? 21606);
  if (code !== undefined) throw magicError(code);
  const segments = message.media === undefined ? segmentBody(message.body).segments : 1;
  const id: MessageId = 0n;
  return {
    ...{ id, account: 0, direction: "outbound-api", sender: message.from, recipient: message.to },
    ...{ body: message.body, segments, status: "queued", errorCode: undefined },
    ...{ priceMicros: undefined, createdAt: at, sentAt: undefined, updatedAt: at },
    isSimulated: true,
    service: undefined,
    media: message.media,
  };
}

export function claimForTest(request: ApiRequest, settings: SenderSettings, at: Date): Sender {
  const areaCode = request.form.text("AreaCode") || undefined;
  const number = request.form.text("PhoneNumber")?.trim() || undefined;
  if (number === undefined && areaCode === "533") throw magicError(21452);
  const wanted = number ?? WORKING_NUMBER;
  if (wanted !== WORKING_NUMBER) throw magicError(byClaim[wanted] ?? 21421);
  return {
    ...{ number: wanted, kind: "long_code", country: "US", connector: "", canMms: false },
    ...{ segmentsPerSecond: 1, maxQueueSeconds: 14_400, sid: newSid("PN", at) },
    ...{ account: request.account.id, friendlyName: settings.friendlyName ?? wanted },
    ...{ service: null, inServiceSince: null },
    ...{ smsUrl: settings.smsUrl ?? "", smsMethod: settings.smsMethod ?? "POST" },
    ...{ smsFallbackUrl: settings.smsFallbackUrl ?? "" },
    ...{ smsFallbackMethod: settings.smsFallbackMethod ?? "POST", createdAt: at, updatedAt: at },
  };
}

function magicError(code: number): ApiError {
  return new ApiError(400, code, `This magic number of test credentials stands for error ${code}.`);
}
