import type { ErrorCodes } from "./error-code.ts";

/** Why a messaging service or its senders were refused. */
export const serviceCodes: ErrorCodes = {
  21664: {
    meaning: "'FallbackFrom' cannot be used with 'From'.",
    remedy: "Leave one of them out: the fallback is for the case that a service finds no sender.",
  },
  21665: {
    meaning: "The 'FallbackFrom' cannot be used.",
    remedy: "Give a number, short code or name of the account that is in no other service.",
  },
  21666: {
    meaning: "'FallbackFrom' needs a messaging service.",
    remedy: "Give a MessagingServiceSid, or 'From' instead.",
  },
  21701: {
    meaning: "The messaging service does not exist.",
    remedy: "Give one of the account's: /v1/Services lists them.",
  },
  21703: {
    meaning: "No sender of the messaging service reaches the recipient.",
    remedy: "Add a number of the recipient's country; the timeline says why each was passed over.",
  },
  21704: {
    meaning: "The messaging service has no senders.",
    remedy: "Add a number, a short code or a name to it.",
  },
  21705: {
    meaning: "The MessagingServiceSid is not valid.",
    remedy: "Write MG and 32 hexadecimal digits.",
  },
  21709: {
    meaning: "The name cannot be a sender.",
    remedy: "Give 1 to 11 letters, digits, spaces and - + _ &, with a letter among them.",
  },
  21710: {
    meaning: "The sender is in this messaging service already.",
    remedy: "Nothing to do.",
  },
  21711: {
    meaning: "The 'From' is not a sender of the messaging service.",
    remedy: "Add it to the service, or leave 'From' out and let the service choose.",
  },
  21712: {
    meaning: "The number is in another messaging service.",
    remedy: "Take it out there first: a number is in one service at most.",
  },
  21713: {
    meaning: "The Usecase is not valid.",
    remedy: "Give notifications, marketing, verification, discussion, poll or undeclared.",
  },
  21714: {
    meaning: "The messaging service is full.",
    remedy: "It has 400 senders at most: take one out, or make another service.",
  },
};
