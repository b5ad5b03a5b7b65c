import { countryOf, numberType, parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { SenderKind } from "../../senders/sender.ts";
import { type FoundOptOut, readOptOuts } from "./opt-out-history.ts";
import {
  type Registrations,
  readHistory,
  readNumbers,
  readRegistrations,
  readServices,
  type ServiceWithPool,
} from "./read-account.ts";
import type { TwilioAccount, TwilioNumber, TwilioReader } from "./twilio-reader.ts";

/** What one account at Twilio has that this Longwave lacks. */
export type AccountPlan = {
  readonly account: TwilioAccount;
  /** Its sid here: the operator's for the main account, else the same. */
  readonly target: string;
  readonly isNewAccount: boolean;
  readonly numbers: readonly PlannedNumber[];
  readonly services: readonly PlannedService[];
  readonly optOuts: readonly FoundOptOut[];
  readonly messagesRead: number;
  /** Numbers and services that are here already: they stay as they are. */
  readonly stays: { readonly numbers: number; readonly services: number };
  /** Sentences about what has no counterpart here. */
  readonly notes: readonly string[];
};

export type PlannedNumber = {
  readonly number: string;
  readonly kind: SenderKind;
  readonly country: string;
  readonly segmentsPerSecond: number;
  readonly canMms: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly registration: { readonly campaign: string; readonly brand: string } | undefined;
};

export type PlannedService = {
  readonly sid: string;
  readonly friendlyName: string;
  readonly isNew: boolean;
  /** A form for /v1/Services/{sid}. */
  readonly settings: Readonly<Record<string, string>>;
  /** Numbers and short codes of its pool that are not in it here. */
  readonly numbers: readonly string[];
  readonly names: readonly string[];
};

/** What is here already, of all accounts. */
export type Present = {
  readonly hasAccount: (sid: string) => boolean;
  /** The account's sid, "": nobody's; nothing: not in the inventory. */
  readonly holderOf: (number: string) => string | undefined;
  readonly hasService: (sid: string) => boolean;
  readonly isInService: (sid: string, sender: string) => boolean;
};

export async function planAccount(
  reader: TwilioReader,
  account: TwilioAccount,
  of: { readonly target: string; readonly present: Present; readonly since: Date | undefined },
): Promise<AccountPlan> {
  const { target, present, since } = of;
  const all = await readNumbers(reader, account.sid);
  const services = await readServices(reader, account.sid);
  const registered = await readRegistrations(reader, services);
  const notes: string[] = [];
  const numbers: PlannedNumber[] = [];
  let kept = 0;
  for (const one of all) {
    const planned = planNumber(one, registered);
    if (planned === undefined) {
      notes.push(`${one.phone_number ?? one.short_code}: no number that Longwave knows; left out.`);
      continue;
    }
    const holder = present.holderOf(planned.number);
    if (holder === target) kept += 1;
    else if (holder !== undefined && holder !== "") {
      notes.push(`${planned.number}: held by ${holder} here; left out.`);
    } else {
      numbers.push(planned);
      notes.push(...numberNotes(one, planned));
    }
  }
  const poolOf = poolsOf(services);
  const found = await readOptOuts(readHistory(reader, account.sid, since), (sender) => ({
    pool: poolOf.get(sender) ?? sender,
    kind: kindOf(sender),
  }));
  return {
    ...{ account, target, isNewAccount: !present.hasAccount(target), numbers, notes },
    services: services.map((one) => planService(one, present)),
    ...{ optOuts: found.optOuts, messagesRead: found.messages },
    stays: {
      numbers: kept,
      services: services.filter(({ service }) => present.hasService(service.sid)).length,
    },
  };
}

function poolsOf(services: readonly ServiceWithPool[]): ReadonlyMap<string, string> {
  return new Map(
    services.flatMap(({ service, numbers }) => numbers.map((number) => [number, service.sid])),
  );
}

function planNumber(one: TwilioNumber, registered: Registrations): PlannedNumber | undefined {
  const number = one.short_code ?? parsePhoneNumber(one.phone_number ?? "");
  if (number === undefined) return undefined;
  const kind = kindOf(number);
  const parsed = parsePhoneNumber(number);
  // Twilio tells no country of a short code; the United States and Canada share theirs.
  const country = (parsed === undefined ? undefined : countryOf(parsed)) ?? "US";
  const settings = {
    friendly_name: (one.friendly_name ?? "").slice(0, 64),
    ...{ sms_url: one.sms_url ?? "", sms_method: one.sms_method ?? "" },
    ...{ sms_fallback_url: one.sms_fallback_url ?? "" },
    sms_fallback_method: one.sms_fallback_method ?? "",
  };
  return {
    ...{ number, kind, country, canMms: one.capabilities?.mms === true },
    segmentsPerSecond: paceOf(kind, country),
    settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== "")),
    registration: registered.get(number),
  };
}

function kindOf(number: string): SenderKind {
  const parsed = number.startsWith("+") ? parsePhoneNumber(number) : undefined;
  if (parsed === undefined) return "short_code";
  return numberType(parsed) === "toll_free" ? "toll_free" : "long_code";
}

/** Twilio's segments per second of a sender that nobody has had raised. */
function paceOf(kind: SenderKind, country: string): number {
  if (kind === "short_code") return 100;
  if (kind === "toll_free") return 3;
  return country === "US" || country === "CA" ? 1 : 10;
}

function numberNotes(
  one: TwilioNumber,
  { number, kind, country, registration }: PlannedNumber,
): string[] {
  const absent = [
    one.voice_url || one.voice_application_sid ? "voice" : undefined,
    one.trunk_sid ? "a SIP trunk" : undefined,
    one.status_callback ? "a status callback for calls" : undefined,
    one.sms_application_sid ? "an application for messages (its URLs are not copied)" : undefined,
  ].filter((what) => what !== undefined);
  const inStates = ["US", "PR", "VI"].includes(country) && kind !== "short_code";
  return [
    ...(absent.length === 0 ? [] : [`${number}: ${absent.join(", ")} stays at Twilio.`]),
    ...(inStates && registration === undefined
      ? [
          `${number}: no approved registration found; texts to the United States will be refused (${kind === "toll_free" ? 30032 : 30034}) until you record one.`,
        ]
      : []),
  ];
}

/** Ours by Twilio's: names of parameters by names of properties. */
const serviceSettings: Readonly<Record<string, string>> = {
  friendly_name: "FriendlyName",
  inbound_request_url: "InboundRequestUrl",
  inbound_method: "InboundMethod",
  fallback_url: "FallbackUrl",
  fallback_method: "FallbackMethod",
  status_callback: "StatusCallback",
  sticky_sender: "StickySender",
  mms_converter: "MmsConverter",
  smart_encoding: "SmartEncoding",
  scan_message_content: "ScanMessageContent",
  fallback_to_long_code: "FallbackToLongCode",
  area_code_geomatch: "AreaCodeGeomatch",
  validity_period: "ValidityPeriod",
  synchronous_validation: "SynchronousValidation",
  usecase: "Usecase",
  use_inbound_webhook_on_number: "UseInboundWebhookOnNumber",
};

function planService(
  { service, numbers, names }: ServiceWithPool,
  present: Present,
): PlannedService {
  const settings = Object.entries(serviceSettings).flatMap(([property, parameter]) => {
    const value = service[property];
    if (value === null || value === undefined || value === "") return [];
    return [[parameter, String(value)]];
  });
  const isMissing = (sender: string) => !present.isInService(service.sid, sender);
  return {
    ...{ sid: service.sid, friendlyName: service.friendly_name },
    isNew: !present.hasService(service.sid),
    settings: Object.fromEntries(settings),
    numbers: numbers.filter(isMissing),
    names: names.filter(isMissing),
  };
}
