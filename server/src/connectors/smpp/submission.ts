import { SECOND } from "../../lib/clock.ts";
import { type ShortMessage, type Tlvs, tlvs } from "../../smpp/pdus.ts";
import { absoluteTime, relativeTime } from "../../smpp/times.ts";
import type { Submission } from "../connector.ts";
import type { SmppSettings } from "./settings.ts";
import { encodeText } from "./text.ts";

/** A submission in the carrier's dialect. */
export function toShortMessage(
  submission: Submission,
  settings: SmppSettings,
  of: { vendorTlvs: Tlvs; reference: number | undefined; now: Date },
): ShortMessage {
  const source = addressOf(submission.sender, settings);
  const dest = addressOf(submission.recipient, settings);
  const text = encodeText(submission, settings);
  // Written out, as all objects made for each message: a spread costs microseconds.
  return {
    serviceType: settings.serviceType,
    sourceTon: source.types.ton,
    sourceNpi: source.types.npi,
    source: source.digits,
    destTon: dest.types.ton,
    destNpi: dest.types.npi,
    dest: dest.digits,
    esmClass: text.esmClass,
    protocolId: 0,
    priority: 0,
    scheduleTime: "",
    validityPeriod: validityOf(submission, settings, of.now),
    registeredDelivery: settings.registeredDelivery,
    replaceIfPresent: 0,
    dataCoding: text.dataCoding,
    defaultMsgId: 0,
    shortMessage: text.shortMessage,
    tlvs: allTlvs(text.tlvs, of.vendorTlvs, of.reference),
  };
}

function addressOf(address: string, { addressTypes }: SmppSettings) {
  if (address.startsWith("+")) {
    return { types: addressTypes.international, digits: address.slice(1) };
  }
  const types = /^\d+$/.test(address) ? addressTypes.shortCode : addressTypes.alphanumeric;
  return { types, digits: address };
}

function validityOf({ validUntil }: Submission, settings: SmppSettings, now: Date): string {
  if (settings.validity === "none") return "";
  if (settings.validity === "absolute") return absoluteTime(validUntil);
  return relativeTime(Math.max(1, (validUntil.getTime() - now.getTime()) / SECOND));
}

function allTlvs(own: Tlvs, configured: Tlvs, reference: number | undefined): Tlvs {
  if (reference !== undefined) {
    const octets = Buffer.from([reference >> 8, reference & 0xff]);
    return new Map([...configured, ...own, [tlvs.user_message_reference, octets]]);
  }
  if (configured.size === 0) return own;
  return own.size === 0 ? configured : new Map([...configured, ...own]);
}
