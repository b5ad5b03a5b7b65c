import { ApiError } from "../lib/errors.ts";
import { countryOf, type PhoneNumber } from "../numbers/phone-number.ts";

/** The answer to a message that a rule refuses as it comes in: the value and the remedy. */
export function refusalOf(errorCode: number, message: Addresses): ApiError {
  const words = sentences[errorCode] ?? (() => "A rule of this account refuses the message.");
  return new ApiError(400, errorCode, words(message));
}

type Addresses = { readonly sender: string; readonly recipient: string };

const sentences: Readonly<Record<number, (message: Addresses) => string>> = {
  21408: ({ recipient }) => {
    const country = countryOf(recipient as PhoneNumber) ?? "no country";
    return `The account may not text ${recipient}, which is in ${country}. Open the country by PATCH /v1/Messaging/GeoPermissions, or put the number on the SafeList.`;
  },
  30032: ({ sender }) =>
    `The toll-free number ${sender} is not verified, so carriers in the United States and Canada stop it. Have it verified, and let the operator record that under /longwave/v1/Registrations.`,
  30033: ({ sender }) =>
    `The campaign of ${sender} is suspended. Clear it with the carrier; the operator then records that under /longwave/v1/Registrations.`,
  30034: ({ sender }) =>
    `The number ${sender} is in no registered campaign, so carriers in the United States stop it. Register it; the operator records its campaign under /longwave/v1/Registrations.`,
  30035: ({ sender }) =>
    `The registration of ${sender} is pending. Wait until the carriers have it; the operator then records that under /longwave/v1/Registrations.`,
  30047: ({ recipient }) =>
    `The quiet hours of ${recipient} last longer than this marketing text is valid. Send it by day, or with a longer ValidityPeriod.`,
  30610: ({ recipient }) =>
    `It is in the quiet hours of ${recipient}, when this account refuses marketing texts. Send it by day, or set /longwave/v1/QuietHours to defer.`,
  63038: () =>
    "The account has reached its daily spend cap. Raise it under /longwave/v1/SpendCaps, or send on the next day, UTC.",
};
