import { routes2010 } from "./2010-04-01/routes.ts";
import { geoPermissionRoutes } from "./accounts/geo-permissions.ts";
import { safeListRoutes } from "./accounts/safe-list.ts";
import type { Route } from "./route.ts";

/** Everything of Twilio's API that is here, all products. */
export const twilioRoutes: readonly Route[] = [
  ...routes2010,
  ...geoPermissionRoutes,
  ...safeListRoutes,
];
