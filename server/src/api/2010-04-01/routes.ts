import type { Route } from "../route.ts";
import { accountRoutes } from "./accounts.ts";
import { availablePhoneNumberRoutes } from "./available-phone-numbers.ts";
import { feedbackRoutes } from "./feedback.ts";
import { incomingPhoneNumberRoutes } from "./incoming-phone-numbers.ts";
import { keyRoutes } from "./keys.ts";
import { mediaRoutes } from "./media.ts";
import { messageRoutes } from "./messages.ts";
import { shortCodeRoutes } from "./short-codes.ts";
import { usageRecordRoutes } from "./usage-records.ts";
import { usageTriggerRoutes } from "./usage-triggers.ts";

/** Everything under /2010-04-01. */
export const routes2010: readonly Route[] = [
  ...accountRoutes,
  ...keyRoutes,
  ...messageRoutes,
  ...feedbackRoutes,
  ...mediaRoutes,
  ...incomingPhoneNumberRoutes,
  ...shortCodeRoutes,
  ...availablePhoneNumberRoutes,
  ...usageRecordRoutes,
  ...usageTriggerRoutes,
];
