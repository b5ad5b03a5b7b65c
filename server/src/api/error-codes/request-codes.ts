import type { ErrorCodes } from "./error-code.ts";

/** Why any request was refused. Those that concern a message's own parameters are in `send-codes.ts`. */
export const requestCodes: ErrorCodes = {
  20001: {
    meaning: "A parameter, or the request as a whole, is not valid or not in this version.",
    remedy: "The message names the parameter and what it may be. docs/compatibility.md lists all.",
  },
  20002: {
    meaning: "The FriendlyName is too long or not valid text.",
    remedy: "Give at most 64 characters of valid Unicode.",
  },
  20003: {
    meaning: "The credentials are missing or wrong, or not those of the account in the path.",
    remedy: "Sign in with the account's sid and token, its parent's, or an API key and its secret.",
  },
  20004: {
    meaning: "The path exists, but not for this HTTP method.",
    remedy: "Use a method that the answer's header Allow names.",
  },
  20005: {
    meaning: "The account is suspended or closed.",
    remedy: "Its parent account can make a suspended one active; a closed one stays closed.",
  },
  20007: {
    meaning: "The PageSize is not between 1 and 1000.",
    remedy: "Ask for at most 1000 and follow next_page_uri.",
  },
  20008: {
    meaning: "Test credentials cannot do this.",
    remedy: "They send texts and claim numbers. Use the account's own token for everything else.",
  },
  20009: {
    meaning: "The message is still on its way, so it cannot be deleted or redacted.",
    remedy: "Cancel it, or wait until its status is final.",
  },
  20403: {
    meaning: "These credentials may not do this.",
    remedy: "Use the main account's credentials; for connectors and inventory, the operator's.",
  },
  20404: {
    meaning: "There is nothing at this path, or no such resource in this account.",
    remedy: "Check the sid and the account. The message lists the resources that exist.",
  },
  20409: {
    meaning: "The request contradicts what is there already.",
    remedy: "For an idempotency key: use a new key for each request. Else the message says what.",
  },
  20413: {
    meaning: "The file is too large.",
    remedy: "Split it and send the parts.",
  },
  20429: {
    meaning: "Too much at once; the request was not processed.",
    remedy: "Send it again after the seconds in Retry-After.",
  },
  20500: {
    meaning: "A fault of Longwave itself.",
    remedy: "Look in its log for the id in the header Twilio-Request-Id, and report it.",
  },
  20503: {
    meaning: "Longwave cannot serve this now, most often because its database is away.",
    remedy: "Send it again after the seconds in Retry-After; with an Idempotency-Key it is safe.",
  },
  21406: {
    meaning: "SmsFallbackUrl was given without an SmsUrl.",
    remedy: "Set both.",
  },
  21421: {
    meaning: "The phone number to be claimed is missing or not valid.",
    remedy: "Give PhoneNumber like +12025550123, or an AreaCode.",
  },
  21422: {
    meaning: "The phone number is not free.",
    remedy: "Choose one that AvailablePhoneNumbers lists, or have the operator add some.",
  },
  21451: {
    meaning: "The area code is not valid.",
    remedy: "Give three digits of a US or Canadian number.",
  },
  21452: {
    meaning: "The inventory has no free number in the area code.",
    remedy: "Try another area code, or have the operator add numbers.",
  },
  21475: {
    meaning: "The account's new status is not valid.",
    remedy: "Give active, suspended or closed.",
  },
  21481: {
    meaning: "The PageToken is missing or not one of ours.",
    remedy: "Follow next_page_uri as it stands, or start with the first page.",
  },
  30400: {
    meaning: "A change of a message must be one of two: cancel it, or redact it.",
    remedy: "Send either Status=canceled or an empty Body.",
  },
  30409: {
    meaning: "The message has left and cannot be canceled any more.",
    remedy: "Nothing to do; only messages that wait can be canceled.",
  },
  60411: {
    meaning: "The number is on the SafeList already.",
    remedy: "Nothing to do.",
  },
};
