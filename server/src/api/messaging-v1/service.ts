import { ApiError, notFound } from "../../lib/errors.ts";
import {
  defaultSettings,
  type Service,
  type ServiceRow,
  type ServiceSettings,
  usecases,
} from "../../senders/service.ts";
import { readFriendlyName } from "../2010-04-01/accounts.ts";
import type { ParameterTable } from "../form.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import type { ApiRequest } from "../route.ts";

export const settingParameters = {
  FriendlyName: "same",
  InboundRequestUrl: "different",
  InboundMethod: "same",
  FallbackUrl: "same",
  FallbackMethod: "same",
  StatusCallback: "same",
  StickySender: "same",
  MmsConverter: "ignored",
  SmartEncoding: "same",
  ScanMessageContent: "ignored",
  FallbackToLongCode: "ignored",
  AreaCodeGeomatch: "same",
  ValidityPeriod: "same",
  SynchronousValidation: "ignored",
  Usecase: "same",
  UseInboundWebhookOnNumber: "same",
  DefaultPriority: "different",
} as const satisfies ParameterTable;

const methods = ["GET", "POST"] as const;
const priorities = [0, 1, 2, 3] as const;
const VALIDITY_SECONDS_MAX = 36_000;

/** What the request sets, upon what was set before. */
export function readSettings(request: ApiRequest, before?: ServiceSettings): ServiceSettings {
  const { form } = request;
  const was = before ?? { ...defaultSettings, friendlyName: "" };
  const friendlyName = readFriendlyName(request) ?? was.friendlyName;
  if (friendlyName === "") {
    throw new ApiError(400, 20001, "The parameter 'FriendlyName' is missing. Name the service.");
  }
  const url = (name: string, now: string | null) => {
    const given = form.url(name);
    return given === undefined ? now : given || null;
  };
  const validity = { min: 1, max: VALIDITY_SECONDS_MAX, code: 21624 };
  return {
    friendlyName,
    inboundRequestUrl: url("InboundRequestUrl", was.inboundRequestUrl),
    inboundMethod: form.choice("InboundMethod", methods) ?? was.inboundMethod,
    fallbackUrl: url("FallbackUrl", was.fallbackUrl),
    fallbackMethod: form.choice("FallbackMethod", methods) ?? was.fallbackMethod,
    statusCallback: url("StatusCallback", was.statusCallback),
    useInboundWebhookOnNumber:
      form.flag("UseInboundWebhookOnNumber") ?? was.useInboundWebhookOnNumber,
    stickySender: form.flag("StickySender") ?? was.stickySender,
    areaCodeGeomatch: form.flag("AreaCodeGeomatch") ?? was.areaCodeGeomatch,
    smartEncoding: form.flag("SmartEncoding") ?? was.smartEncoding,
    validityPeriod: form.int("ValidityPeriod", validity) ?? was.validityPeriod,
    usecase: readUsecase(request) ?? was.usecase,
    defaultPriority: readPriority(request, was.defaultPriority),
    kept: {
      mmsConverter: form.flag("MmsConverter") ?? was.kept.mmsConverter,
      fallbackToLongCode: form.flag("FallbackToLongCode") ?? was.kept.fallbackToLongCode,
      scanMessageContent:
        form.choice("ScanMessageContent", ["inherit", "enable", "disable"]) ??
        was.kept.scanMessageContent,
      synchronousValidation: form.flag("SynchronousValidation") ?? was.kept.synchronousValidation,
    },
  };
}

export function showService(
  { ruleBook }: Pick<ApiNeeds, "ruleBook">,
  { account, origin }: Pick<ApiRequest, "account" | "origin">,
  service: ServiceRow,
): object {
  const url = `${origin}/v1/Services/${service.sid}`;
  const campaigns = ruleBook.current().campaigns.get(service.sid) ?? [];
  return {
    sid: service.sid,
    account_sid: account.sid,
    friendly_name: service.friendlyName,
    inbound_request_url: service.inboundRequestUrl,
    inbound_method: service.inboundMethod,
    fallback_url: service.fallbackUrl,
    fallback_method: service.fallbackMethod,
    status_callback: service.statusCallback,
    sticky_sender: service.stickySender,
    mms_converter: service.kept.mmsConverter,
    smart_encoding: service.smartEncoding,
    scan_message_content: service.kept.scanMessageContent,
    fallback_to_long_code: service.kept.fallbackToLongCode,
    area_code_geomatch: service.areaCodeGeomatch,
    synchronous_validation: service.kept.synchronousValidation,
    validity_period: service.validityPeriod,
    usecase: service.usecase,
    us_app_to_person_registered: campaigns.some(({ status }) => status === "active"),
    use_inbound_webhook_on_number: service.useInboundWebhookOnNumber,
    date_created: isoDate(service.createdAt),
    date_updated: isoDate(service.updatedAt),
    url,
    links: {
      phone_numbers: `${url}/PhoneNumbers`,
      short_codes: `${url}/ShortCodes`,
      alpha_senders: `${url}/AlphaSenders`,
      destination_alpha_senders: `${url}/DestinationAlphaSenders`,
      messages: `${url}/Messages`,
      us_app_to_person: `${url}/Compliance/Usa2p`,
      us_app_to_person_usecases: `${url}/Compliance/Usa2p/Usecases`,
      channel_senders: `${url}/ChannelSenders`,
    },
  };
}

/** The service that the path names, of this account. */
export function findService(app: ApiNeeds, request: ApiRequest): Service {
  const sid = request.params.service ?? "";
  const service = app.senderBook.service(request.account.id, sid);
  if (service === undefined) throw notFound(`The messaging service ${sid}`);
  return service;
}

function readUsecase(request: ApiRequest): ServiceSettings["usecase"] | undefined {
  const text = request.form.text("Usecase") || undefined;
  if (text === undefined) return undefined;
  const usecase = usecases.find((one) => one === text.toLowerCase());
  if (usecase !== undefined) return usecase;
  throw new ApiError(400, 21713, `A Usecase is one of ${usecases.join(", ")}.`);
}

/** An empty text takes it back. */
function readPriority(
  request: ApiRequest,
  was: ServiceSettings["defaultPriority"],
): ServiceSettings["defaultPriority"] {
  if (request.form.text("DefaultPriority") === "") return null;
  const number = request.form.int("DefaultPriority", { min: 0, max: 3 });
  return priorities.find((one) => one === number) ?? was;
}
