import type { ErrorCodes } from "./error-code.ts";

/** Why a new message was refused. */
export const sendCodes: ErrorCodes = {
  21211: {
    meaning: "The 'To' number is not a phone number.",
    remedy: "Write it with + and the country's code: +12025550123.",
  },
  21212: {
    meaning: "The 'From' is not a phone number, a short code or a name.",
    remedy: "Write it like +12025550123, 12345 or Longwave: at most 11 letters, digits and spaces.",
  },
  21266: {
    meaning: "'To' and 'From' are the same number.",
    remedy: "Send to another number.",
  },
  21408: {
    meaning: "The account may not text the recipient's country.",
    remedy:
      "Open the country by PATCH /v1/Messaging/GeoPermissions, or put the number on the SafeList. At first only the countries of the account's senders are open.",
  },
  21603: {
    meaning: "The sender is missing.",
    remedy: "Give 'From' or 'MessagingServiceSid'.",
  },
  21604: {
    meaning: "The recipient is missing.",
    remedy: "Give 'To'.",
  },
  21606: {
    meaning: "The 'From' number cannot be used for this message.",
    remedy:
      "The carrier refuses this sender: check its registration. With test credentials, use the magic number +15005550006.",
  },
  21609: {
    meaning: "The StatusCallback is not a valid URL.",
    remedy: "Give an http or https URL of at most 4000 characters whose host has no underscore.",
  },
  21610: {
    meaning: "The recipient has opted out.",
    remedy: "Do not text this phone from this sender until it sends START.",
  },
  21611: {
    meaning: "The sender's queue is full, or is being drained.",
    remedy: "Send slower, use a sender with more throughput, or resume its lane.",
  },
  21612: {
    meaning: "No route leads from this sender to this recipient.",
    remedy:
      "Phones of many countries take no names as senders, and not every connector carries them: send from a number.",
  },
  21614: {
    meaning: "The recipient is no mobile phone.",
    remedy: "In this version only a magic number of test credentials gives this.",
  },
  21617: {
    meaning: "The body has more than 1600 characters.",
    remedy: "Shorten it or send several messages.",
  },
  21619: {
    meaning: "The message has no body, or one that is not valid Unicode text.",
    remedy: "Give 'Body' without NUL characters and halves of surrogate pairs.",
  },
  21620: {
    meaning: "A MediaUrl is not an http or https URL of at most 2000 characters.",
    remedy: "Correct it.",
  },
  21621: {
    meaning: "The sender cannot send media.",
    remedy:
      "Leave MediaUrl out and put a link into the body, or send from a number whose connector or route carries media.",
  },
  21623: {
    meaning: "The message has more than ten media.",
    remedy: "Send fewer.",
  },
  21624: {
    meaning: "The ValidityPeriod is not valid.",
    remedy: "Give whole seconds from 1 to 36000.",
  },
  21659: {
    meaning: "The 'From' number is nobody's here.",
    remedy: "Use a sender of the account: IncomingPhoneNumbers and SMS/ShortCodes list them.",
  },
  21660: {
    meaning: "The 'From' number belongs to another account.",
    remedy: "Use a sender of this account, or that account's credentials.",
  },
  63007: {
    meaning: "The channel is not here: only texts are in this version.",
    remedy: "Write 'To' and 'From' as phone numbers, without whatsapp:, rcs: or messenger:.",
  },
};
