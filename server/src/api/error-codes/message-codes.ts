import type { ErrorCodes } from "./error-code.ts";

/** What became of a message: its `error_code`, with the meaning as its `error_message`. */
export const messageCodes: ErrorCodes = {
  30001: {
    meaning: "The queue is full.",
    remedy: "Send slower, or use a sender with more throughput.",
  },
  30002: {
    meaning: "The account is suspended.",
    remedy: "Its parent account can make it active again; then send the message once more.",
  },
  30003: {
    meaning: "The phone cannot be reached.",
    remedy: "It is off or out of reach for longer than the message was valid. Try again later.",
  },
  30004: {
    meaning: "The message is blocked.",
    remedy: "The recipient or the carrier blocks this sender. Ask the carrier; do not try again.",
  },
  30005: {
    meaning: "The number is unknown.",
    remedy: "The carrier knows no phone with this number. Correct it or take it off your list.",
  },
  30006: {
    meaning: "The number is a landline, or its carrier cannot be reached.",
    remedy: "Ask for a mobile number, or add a connector whose carrier reaches this one.",
  },
  30007: {
    meaning: "The carrier filtered the message.",
    remedy:
      "Look at links, wording and consent, and at the sender's registration with the carrier.",
  },
  30008: {
    meaning: "The carrier gave no reason.",
    remedy: "longwave why shows the carrier's own answer. Ask the carrier with it.",
  },
  30009: {
    meaning: "Parts of a received text did not come within a day.",
    remedy: "Its body holds the parts that came. Ask the carrier for the others.",
  },
  30032: {
    meaning: "The toll-free sender is not verified.",
    remedy:
      "Carriers in the United States and Canada stop it. Have it verified; the operator records that under /longwave/v1/Registrations.",
  },
  30033: {
    meaning: "The sender's campaign is suspended.",
    remedy:
      "Clear it with the carrier; the operator records that under /longwave/v1/Registrations.",
  },
  30034: {
    meaning: "The sender is in no registered campaign.",
    remedy:
      "Carriers in the United States stop it. Register the number; the operator records its campaign under /longwave/v1/Registrations.",
  },
  30035: {
    meaning: "The sender's registration is pending.",
    remedy:
      "Wait until the carriers have it; the operator records that under /longwave/v1/Registrations.",
  },
  30036: {
    meaning: "The message could not leave within its validity period.",
    remedy: "Give a longer ValidityPeriod, a higher priority, or a sender with more throughput.",
  },
  30047: {
    meaning: "A marketing text's validity ends within the recipient's quiet hours.",
    remedy: "Send it by day, or with a longer ValidityPeriod.",
  },
  30610: {
    meaning: "It is in the recipient's quiet hours, when the account refuses marketing texts.",
    remedy: "Send it by day, or set /longwave/v1/QuietHours to defer.",
  },
  30630: {
    meaning: "The recipient has opted out at the carrier that carried the message.",
    remedy: "Do not text this phone from this sender until it sends START.",
  },
  63038: {
    meaning: "The account's daily spend cap is reached.",
    remedy: "Raise the cap under /longwave/v1/SpendCaps, or send it on the next day, UTC.",
  },
};
