import { SECOND } from "../../lib/clock.ts";
import { emptyMessage, type ShortMessage, type Tlvs, tlvs } from "../../smpp/pdus.ts";
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
  return {
    ...emptyMessage,
    serviceType: settings.serviceType,
    sourceTon: source.ton,
    sourceNpi: source.npi,
    source: source.digits,
    destTon: dest.ton,
    destNpi: dest.npi,
    dest: dest.digits,
    esmClass: text.esmClass,
    validityPeriod: validityOf(submission, settings, of.now),
    registeredDelivery: settings.registeredDelivery,
    dataCoding: text.dataCoding,
    shortMessage: text.shortMessage,
    tlvs: allTlvs(text.tlvs, of.vendorTlvs, of.reference),
  };
}

function addressOf(address: string, { addressTypes }: SmppSettings) {
  if (address.startsWith("+")) return { ...addressTypes.international, digits: address.slice(1) };
  if (/^\d+$/.test(address)) return { ...addressTypes.shortCode, digits: address };
  return { ...addressTypes.alphanumeric, digits: address };
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
