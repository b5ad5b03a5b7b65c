import type { Route } from "../route.ts";
import { alphaSenderRoutes } from "./alpha-senders.ts";
import { serviceNumberRoutes } from "./service-numbers.ts";
import { serviceRoutes } from "./services.ts";
import { usAppToPersonRoutes } from "./us-app-to-person.ts";

/** Everything under /v1/Services. */
export const routesMessagingV1: readonly Route[] = [
  ...serviceRoutes,
  ...serviceNumberRoutes,
  ...alphaSenderRoutes,
  ...usAppToPersonRoutes,
];
