import type { Account } from "../../accounts/account.ts";
import type { Sender } from "../../senders/sender.ts";
import { rfc2822 } from "../rfc2822.ts";

export type NumberType = "Local" | "TollFree" | "Mobile";

const typeNames = { Local: "local", TollFree: "tollfree", Mobile: "mobile" } as const;

/** The lists of one type do not repeat it. Everything that belongs to voice, addresses and applications is as on a number without any. */
export function showNumber(account: Account, sender: Sender, type: NumberType | undefined): object {
  return {
    sid: sender.sid,
    account_sid: account.sid,
    phone_number: sender.number,
    friendly_name: sender.friendlyName,
    api_version: "2010-04-01",
    capabilities: { voice: false, sms: true, mms: sender.canMms, fax: false },
    sms_url: sender.smsUrl,
    sms_method: sender.smsMethod,
    sms_fallback_url: sender.smsFallbackUrl,
    sms_fallback_method: sender.smsFallbackMethod,
    sms_application_sid: "",
    ...{ status_callback: "", status_callback_method: "POST" },
    ...{ voice_url: null, voice_method: "POST", voice_fallback_url: null },
    ...{ voice_fallback_method: "POST", voice_application_sid: "", voice_caller_id_lookup: false },
    ...{ voice_receive_mode: "voice", trunk_sid: null },
    ...{ address_sid: null, address_requirements: "none", identity_sid: null, bundle_sid: null },
    ...{ emergency_status: "Inactive", emergency_address_sid: null },
    emergency_address_status: "unregistered",
    ...{ beta: false, origin: "longwave", status: "in-use" },
    ...(type === undefined ? {} : { type: typeNames[type] }),
    date_created: rfc2822(sender.createdAt),
    date_updated: rfc2822(sender.updatedAt),
    uri: `/2010-04-01/Accounts/${account.sid}/IncomingPhoneNumbers/${sender.sid}.json`,
  };
}
