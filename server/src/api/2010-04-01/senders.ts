import { ApiError } from "../../lib/errors.ts";
import type { SenderSettings } from "../../senders/sender.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiRequest } from "../route.ts";
import { readFriendlyName } from "./accounts.ts";

/** What can be set of a number or a short code alike. */
export const settingParameters = {
  FriendlyName: "same",
  ApiVersion: "ignored",
  SmsUrl: "same",
  SmsMethod: "same",
  SmsFallbackUrl: "same",
  SmsFallbackMethod: "same",
} as const satisfies ParameterTable;

export function readSettings(request: ApiRequest): SenderSettings {
  const { form } = request;
  return {
    friendlyName: readFriendlyName(request),
    smsUrl: form.url("SmsUrl"),
    smsMethod: form.choice("SmsMethod", ["GET", "POST"]),
    smsFallbackUrl: form.url("SmsFallbackUrl"),
    smsFallbackMethod: form.choice("SmsFallbackMethod", ["GET", "POST"]),
  };
}

/** A fallback without a first choice is a mistake: 21406. */
export function refuseLoneFallback(settings: SenderSettings, smsUrlNow: string): void {
  if (!settings.smsFallbackUrl || (settings.smsUrl ?? smsUrlNow) !== "") return;
  throw new ApiError(400, 21406, "SmsFallbackUrl needs an SmsUrl. Set both.");
}
