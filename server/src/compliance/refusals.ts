import { ApiError } from "../lib/errors.ts";
import { countryOf, type PhoneNumber } from "../numbers/phone-number.ts";

/** The answer to a message that a rule refuses as it comes in: the value and the remedy. */
export function refusalOf(errorCode: number, recipient: string): ApiError {
  const words = sentences[errorCode] ?? (() => "A rule of this account refuses the message.");
  return new ApiError(400, errorCode, words(recipient));
}

const sentences: Readonly<Record<number, (recipient: string) => string>> = {
  21408: (recipient) => {
    const country = countryOf(recipient as PhoneNumber) ?? "no country";
    return `The account may not text ${recipient}, which is in ${country}. Open the country by PATCH /v1/Messaging/GeoPermissions, or put the number on the SafeList.`;
  },
};
