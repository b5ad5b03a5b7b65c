import { randomBytes } from "node:crypto";

/** A resource in Twilio's own words: what a test leaves out is filled in. */
export type Resource = { readonly [property: string]: unknown };

export function newSid(prefix: string): string {
  return prefix + randomBytes(16).toString("hex");
}

const API_VERSION = "2010-04-01";
/** As old as anything that a test looks for must be. */
const MADE_AT = new Date("2026-01-05T12:00:00Z");

function rfc2822(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}

export function accountPath(accountSid: unknown): string {
  return `/${API_VERSION}/Accounts/${accountSid}`;
}

export function account(given: Resource): Resource {
  const sid = given.sid ?? newSid("AC");
  return {
    ...{ sid, auth_token: randomBytes(16).toString("hex"), friendly_name: "An account" },
    ...{ status: "active", type: "Full", owner_account_sid: sid },
    ...{ date_created: rfc2822(MADE_AT), date_updated: rfc2822(MADE_AT) },
    ...{ subresource_uris: {}, uri: `${accountPath(sid)}.json` },
    ...given,
  };
}

export function incomingNumber(given: Resource): Resource {
  const sid = given.sid ?? newSid("PN");
  return {
    ...{ sid, friendly_name: given.phone_number, api_version: API_VERSION, beta: false },
    ...{ address_sid: null, address_requirements: "none", bundle_sid: null, identity_sid: null },
    capabilities: { voice: true, sms: true, mms: true, fax: false },
    ...{ date_created: rfc2822(MADE_AT), date_updated: rfc2822(MADE_AT) },
    ...{ emergency_status: "Inactive", emergency_address_sid: null },
    ...{ emergency_address_status: "unregistered", origin: "twilio", status: "in-use" },
    ...{ sms_application_sid: "", sms_url: "", sms_method: "POST" },
    ...{ sms_fallback_url: "", sms_fallback_method: "POST" },
    ...{ status_callback: "", status_callback_method: "POST", trunk_sid: null, type: "local" },
    ...{ voice_application_sid: "", voice_caller_id_lookup: false, voice_receive_mode: "voice" },
    ...{ voice_url: "", voice_method: "POST", voice_fallback_url: "" },
    voice_fallback_method: "POST",
    uri: `${accountPath(given.account_sid)}/IncomingPhoneNumbers/${sid}.json`,
    ...given,
  };
}

export function shortCode(given: Resource): Resource {
  const sid = given.sid ?? newSid("SC");
  return {
    ...{ sid, friendly_name: given.short_code, api_version: API_VERSION },
    ...{ sms_url: "", sms_method: "POST", sms_fallback_url: "", sms_fallback_method: "POST" },
    ...{ date_created: rfc2822(MADE_AT), date_updated: rfc2822(MADE_AT) },
    uri: `${accountPath(given.account_sid)}/SMS/ShortCodes/${sid}.json`,
    ...given,
  };
}

export function message(given: Resource): Resource {
  const sid = given.sid ?? newSid("SM");
  const uri = `${accountPath(given.account_sid)}/Messages/${sid}`;
  const { date_created: created = rfc2822(MADE_AT) } = given;
  return {
    ...{ sid, api_version: API_VERSION, body: "", num_segments: "1", num_media: "0" },
    ...{ direction: "outbound-api", status: "delivered", error_code: null, error_message: null },
    ...{ messaging_service_sid: null, price: "-0.00790", price_unit: "USD" },
    ...{ date_created: created, date_updated: created, date_sent: created },
    subresource_uris: { media: `${uri}/Media.json`, feedback: `${uri}/Feedback.json` },
    uri: `${uri}.json`,
    ...given,
  };
}

export function newMessageOf(given: Resource, at: Date): Resource {
  const sent = { status: "queued", price: null, date_sent: null };
  return message({ ...sent, date_created: rfc2822(at), ...given });
}

const SERVICE_LINKS = {
  phone_numbers: "PhoneNumbers",
  short_codes: "ShortCodes",
  alpha_senders: "AlphaSenders",
  channel_senders: "ChannelSenders",
  destination_alpha_senders: "DestinationAlphaSenders",
  messages: "Messages",
  us_app_to_person: "Compliance/Usa2p",
  us_app_to_person_usecases: "Compliance/Usa2p/Usecases",
};

export function service(given: Resource, origin: string): Resource {
  const sid = given.sid ?? newSid("MG");
  const url = `${origin}/v1/Services/${sid}`;
  const links = Object.entries(SERVICE_LINKS).map(([name, path]) => [name, `${url}/${path}`]);
  return {
    ...{ sid, friendly_name: "A service", inbound_request_url: null, inbound_method: "POST" },
    ...{ fallback_url: null, fallback_method: "POST", status_callback: null },
    ...{ sticky_sender: true, mms_converter: true, smart_encoding: true, usecase: "undeclared" },
    ...{ scan_message_content: "inherit", fallback_to_long_code: false, area_code_geomatch: true },
    ...{ synchronous_validation: false, validity_period: 36_000 },
    ...{ us_app_to_person_registered: false, use_inbound_webhook_on_number: false },
    ...{ date_created: MADE_AT.toISOString(), date_updated: MADE_AT.toISOString() },
    ...{ url, links: Object.fromEntries(links) },
    ...given,
  };
}

/** A sender in a service's pool: a number, a short code or an alphanumeric id. */
export function poolSender(given: Resource, collection: string, origin: string): Resource {
  const url = `${origin}/v1/Services/${given.service_sid}/${collection}/${given.sid}`;
  const country = collection === "AlphaSenders" ? {} : { country_code: "US" };
  return {
    ...{ capabilities: ["SMS"], url, ...country },
    ...{ date_created: MADE_AT.toISOString(), date_updated: MADE_AT.toISOString() },
    ...given,
  };
}
