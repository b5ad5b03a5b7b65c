import { ApiError } from "../../lib/errors.ts";
import type { NewMessage } from "../../messages/decide-message.ts";
import { MEDIA_NOT_CARRIED } from "../../messages/media.ts";
import { countryOf, type PhoneNumber, parsePhoneNumber } from "../../numbers/phone-number.ts";
import { isShortCode } from "../../numbers/short-code.ts";
import { takesNames } from "../../senders/name-countries.ts";
import { senderOfService } from "../../senders/pool-sender.ts";
import type { CarriedSender } from "../../senders/sender.ts";
import { isAlphaName, type Service } from "../../senders/service.ts";
import type { ApiNeeds } from "../needs.ts";
import type { ApiRequest } from "../route.ts";

/** What a message comes from, as the request says it: a sender, a messaging service, or both. */
export type AskedOrigin = {
  readonly from: string | undefined;
  /** A well-formed sid. */
  readonly service: string | undefined;
  /** What the message comes from when the service finds nobody. */
  readonly fallback: string | undefined;
};

export type MessageOrigin = Pick<
  NewMessage,
  | ("sender" | "service" | "fallbackFrom")
  | ("statusCallback" | "validityS" | "priority" | "smartEncoded")
>;
type Needs = Pick<ApiNeeds, "senderBook" | "mayCarryMedia">;
type Asked = {
  readonly account: number;
  readonly to: PhoneNumber;
  readonly origin: AskedOrigin;
  readonly request: ApiRequest;
};

/** The sender, and what its service says where the request says nothing. */
export function findOrigin(app: Needs, asked: Asked): MessageOrigin {
  const { account, origin, request } = asked;
  if (origin.service === undefined) {
    const sender = findSender(app, asked);
    refuseMedia(app, request, [sender]);
    return { sender };
  }
  const service = app.senderBook.service(account, origin.service);
  if (service === undefined) {
    throw new ApiError(400, 21701, `The messaging service ${origin.service} does not exist.`);
  }
  const sender =
    origin.from === undefined
      ? senderOfService(service, (name) => app.senderBook.carried(account, name))
      : findInPool(service, findSender(app, asked));
  // Which of its senders it will be is chosen later, among those that carry media.
  refuseMedia(app, request, origin.from === undefined ? service.numbers : [sender]);
  return {
    ...{ sender, service: service.sid, validityS: service.validityPeriod },
    ...(origin.fallback === undefined
      ? {}
      : { fallbackFrom: findFallback(app, { account, service, fallback: origin.fallback }) }),
    ...(service.statusCallback === null ? {} : { statusCallback: service.statusCallback }),
    ...(service.defaultPriority === null ? {} : { priority: service.defaultPriority }),
    ...(service.smartEncoding ? { smartEncoded: true } : {}),
  };
}

/** A sender that may be used: 21212 malformed, 21660 somebody else's, 21659 nobody's, 21612 a name that the country does not take. */
function findSender(app: Needs, { account, to, origin }: Asked): CarriedSender {
  const from = origin.from ?? "";
  const number = isShortCode(from) ? from : parsePhoneNumber(from);
  if (number === undefined) {
    if (isAlphaName(from)) return findName(app, { account, to, name: from });
    throw new ApiError(400, 21212, "The 'From' number is not valid. Write it like +12025550123.");
  }
  const sender = app.senderBook.find(account, number);
  if (sender !== undefined) return sender;
  const isHeld = app.senderBook.byNumber(number) !== undefined;
  throw isHeld
    ? new ApiError(400, 21660, `The 'From' number ${number} belongs to another account.`)
    : new ApiError(
        400,
        21659,
        `The 'From' number ${number} is not one of this account's. IncomingPhoneNumbers lists them.`,
      );
}

function findName(
  app: Needs,
  {
    account,
    to,
    name,
  }: { readonly account: number; readonly to: PhoneNumber; readonly name: string },
): CarriedSender {
  const country = countryOf(to);
  if (!takesNames(country)) {
    const where = country ?? "the recipient's country";
    throw new ApiError(
      400,
      21612,
      `Phones in ${where} take no texts from a name such as '${name}'. Send from a number.`,
    );
  }
  const sender = app.senderBook.carried(account, name);
  if (sender !== undefined) return sender;
  throw new ApiError(
    400,
    21612,
    `No connector carries names such as '${name}'. Send from a number, or have the operator add one.`,
  );
}

function findInPool(service: Service, sender: CarriedSender): CarriedSender {
  const isIn =
    sender.kind === "name"
      ? service.alphaSenders.some(({ name }) => name === sender.number)
      : sender.service === service.sid;
  if (isIn) return sender.kind === "name" ? { ...sender, service: service.sid } : sender;
  throw new ApiError(
    400,
    21711,
    `The sender ${sender.number} is not in the messaging service ${service.sid}. Add it, or leave 'From' out.`,
  );
}

/** One that another service has is refused: its opt-outs hold there. */
function findFallback(
  app: Needs,
  of: { readonly account: number; readonly service: Service; readonly fallback: string },
): string {
  const number = isShortCode(of.fallback) ? of.fallback : parsePhoneNumber(of.fallback);
  const sender = app.senderBook.carried(of.account, number ?? of.fallback);
  if (sender !== undefined && (sender.service ?? of.service.sid) === of.service.sid) {
    return sender.number;
  }
  throw new ApiError(
    400,
    21665,
    `The 'FallbackFrom' ${of.fallback} is no sender of this account, or is in another messaging service. Give one that is free.`,
  );
}

function refuseMedia(
  app: Pick<Needs, "mayCarryMedia">,
  request: ApiRequest,
  senders: readonly { readonly number: string; readonly connector: string }[],
): void {
  if (!request.form.list("MediaUrl").some((url) => url !== "")) return;
  if (senders.some(app.mayCarryMedia)) return;
  throw new ApiError(
    400,
    MEDIA_NOT_CARRIED,
    "No connector or route of the sender carries media. Leave MediaUrl out, or use another sender.",
  );
}
