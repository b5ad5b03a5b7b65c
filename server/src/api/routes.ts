import { routes2010 } from "./2010-04-01/routes.ts";
import { geoPermissionRoutes } from "./accounts/geo-permissions.ts";
import { safeListRoutes } from "./accounts/safe-list.ts";
import { routesMessagingV1 } from "./messaging-v1/routes.ts";
import { optOutSetRoutes } from "./messaging-v3/opt-out-sets.ts";
import { optOutRoutes } from "./messaging-v3/opt-outs.ts";
import { pricingRoutes } from "./pricing/countries.ts";
import type { Route } from "./route.ts";

/** Everything of Twilio's API that is served. */
export const twilioRoutes: readonly Route[] = [
  ...routes2010,
  ...geoPermissionRoutes,
  ...safeListRoutes,
  ...pricingRoutes,
  ...routesMessagingV1,
  ...optOutRoutes,
  ...optOutSetRoutes,
];
