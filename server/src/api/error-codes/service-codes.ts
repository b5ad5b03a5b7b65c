import type { ErrorCodes } from "./error-code.ts";

/** Why a messaging service or its senders were refused. */
export const serviceCodes: ErrorCodes = {
  21709: {
    meaning: "The name cannot be a sender.",
    remedy: "Give 1 to 11 letters, digits, spaces and - + _ &, with a letter among them.",
  },
  21710: {
    meaning: "The sender is in this messaging service already.",
    remedy: "Nothing to do.",
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
