import { crc32 } from "node:zlib";
import type { Connector } from "../connectors/connector.ts";
import { countryOf, parsePhoneNumber } from "../numbers/phone-number.ts";
import type { Route } from "./route.ts";

type Sender = { readonly number: string; readonly connector: string };
type Connectors = ReadonlyMap<string, Connector>;

/**
 * The connectors that may carry a sender's texts, the likeliest first: those of its routes, then the
 * one that the sender came from. A simulated sender belongs to the simulator alone, and the
 * simulator carries no other, so that its texts are never taken for real ones.
 */
export function connectorsOfSender(
  routes: readonly Route[],
  sender: Sender,
  connectors: Connectors,
): Connector[] {
  const own = connectors.get(sender.connector);
  if (own?.isSimulated === true) return [own];
  const names = routes.filter((route) => carries(route, sender)).map(({ connector }) => connector);
  return running([...names, sender.connector], connectors);
}

/**
 * The connectors for one recipient, in the order in which they are tried: of each priority the route
 * into whose part of a hundred the recipient falls, the sender's own, and at last the routes into
 * whose part it does not fall. The same recipient always falls into the same part.
 */
export function connectorsFor(
  routes: readonly Route[],
  of: {
    readonly sender: Sender;
    readonly recipient: string;
    /** The recipient's network, asked only where a route depends on it. */
    readonly networkOf: (recipient: string) => string | undefined;
  },
  connectors: Connectors,
): Connector[] {
  const own = connectors.get(of.sender.connector);
  if (own?.isSimulated === true) return [own];
  const fitting = routes.filter((route) => carries(route, of.sender) && reaches(route, of));
  const chosen = [...new Set(fitting.map(({ priority }) => priority))].flatMap((priority) =>
    chosenOf(
      fitting.filter((route) => route.priority === priority),
      placeOf(of.recipient, priority),
    ),
  );
  const others = fitting.filter((route) => !chosen.includes(route));
  const names = [...chosen.map(({ connector }) => connector), of.sender.connector];
  return running([...names, ...others.map(({ connector }) => connector)], connectors);
}

/** Whether a message with media may find a connector for it: the sender's own, or one of its routes. */
export function mayCarryMedia(
  routes: readonly Route[],
  sender: Sender,
  connectors: {
    readonly isSimulated: (name: string) => boolean;
    readonly carriesMedia: (name: string) => boolean;
  },
): boolean {
  if (connectors.isSimulated(sender.connector)) return false;
  const routed = routes.filter((route) => carries(route, sender));
  return [sender, ...routed].some(({ connector }) => connectors.carriesMedia(connector));
}

/** The first that can send now; else the first, to wait for. */
export function firstUp(candidates: readonly Connector[]): Connector | undefined {
  return candidates.find(isUp) ?? candidates[0];
}

export function isUp(connector: Connector): boolean {
  return connector.state().phase === "bound";
}

function carries(route: Route, { number }: Sender): boolean {
  return route.isEnabled && (route.senders.length === 0 || route.senders.includes(number));
}

function reaches(
  { countries, prefixes, networks }: Route,
  { recipient, networkOf }: Parameters<typeof connectorsFor>[1],
): boolean {
  if (prefixes.length > 0 && !prefixes.some((prefix) => recipient.startsWith(prefix))) return false;
  if (networks.length > 0) {
    const network = networkOf(recipient);
    if (network === undefined || !networks.includes(network)) return false;
  }
  if (countries.length === 0) return true;
  const number = parsePhoneNumber(recipient);
  const country = number === undefined ? undefined : countryOf(number);
  return country !== undefined && countries.includes(country);
}

/** Percentages stand one after another: who raises the last one moves only who went elsewhere before. */
function chosenOf(routes: readonly Route[], place: number): Route[] {
  let end = 0;
  for (const route of routes) {
    end += route.percentage;
    if (place < end) return [route];
  }
  return [];
}

/** 0 to under 100, another one for each priority. */
function placeOf(recipient: string, priority: number): number {
  return (crc32(`${priority} ${recipient}`) % 10_000) / 100;
}

function running(names: readonly string[], connectors: Connectors): Connector[] {
  return [...new Set(names)].flatMap((name) => {
    const connector = connectors.get(name);
    return connector === undefined || connector.isSimulated ? [] : [connector];
  });
}
