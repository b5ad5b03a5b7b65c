import { list2010, listV1 } from "./pages.ts";
import type { Resource } from "./resources.ts";
import type { World } from "./world.ts";

export type Answer = { readonly status: number; readonly body: Resource };

export function refused(status: number, code: number, message: string): Answer {
  const more_info = `https://www.twilio.com/docs/errors/${code}`;
  return { status, body: { code, message, more_info, status } };
}

/** Every GET of the resources that this Twilio has. */
export function answerGet(world: World, url: URL): Answer {
  const [, version, ...path] = url.pathname.replace(/\.json$/, "").split("/");
  const found = version === "v1" ? readV1(world, path, url) : read2010(world, path, url);
  if (found !== undefined) return { status: 200, body: found };
  return refused(404, 20404, `The requested resource ${url.pathname} was not found`);
}

function read2010(world: World, path: readonly string[], url: URL): Resource | undefined {
  const [, accountSid, ...rest] = path;
  if (accountSid === undefined) {
    return list2010(
      "accounts",
      filtered(world.accounts, url, { FriendlyName: "friendly_name", Status: "status" }),
      url,
    );
  }
  const of = (resources: readonly Resource[]) =>
    resources.filter((one) => one.account_sid === accountSid);
  const collection = rest[0] === "SMS" ? rest.slice(1) : rest;
  const [name, sid] = collection;
  switch (name) {
    case undefined:
      return world.accounts.find((one) => one.sid === accountSid);
    case "IncomingPhoneNumbers": {
      const own = filtered(of(world.numbers), url, {
        PhoneNumber: "phone_number",
        FriendlyName: "friendly_name",
      });
      return oneOrList("incoming_phone_numbers", own, { sid, url });
    }
    case "ShortCodes": {
      const own = filtered(of(world.shortCodes), url, { ShortCode: "short_code" });
      return oneOrList("short_codes", own, { sid, url });
    }
    case "Messages": {
      const own = filtered(of(world.messages), url, { To: "to", From: "from" });
      return oneOrList(
        "messages",
        own.filter((one) => isSentWithin(one, url)),
        { sid, url },
      );
    }
    default:
      return undefined;
  }
}

function oneOrList(
  name: string,
  all: readonly Resource[],
  { sid, url }: { sid: string | undefined; url: URL },
): Resource | undefined {
  return sid === undefined ? list2010(name, all, url) : all.find((one) => one.sid === sid);
}

/** The parameters of a query that are filters, by the property that each is about. */
function filtered(
  all: readonly Resource[],
  url: URL,
  filters: Readonly<Record<string, string>>,
): Resource[] {
  const given = Object.entries(filters).filter(([name]) => url.searchParams.has(name));
  return all.filter((one) =>
    given.every(([name, property]) => one[property] === url.searchParams.get(name)),
  );
}

function isSentWithin(one: Resource, { searchParams }: URL): boolean {
  const sentAt = new Date(String(one.date_sent ?? one.date_created)).getTime();
  const bound = (name: string, otherwise: number) => {
    const given = searchParams.get(name);
    return given === null ? otherwise : new Date(given).getTime();
  };
  const from = bound("DateSent>", Number.NEGATIVE_INFINITY);
  const until = bound("DateSent<", Number.POSITIVE_INFINITY);
  const day = searchParams.get("DateSent")?.slice(0, 10);
  const isThatDay = day === undefined || new Date(sentAt).toISOString().startsWith(day);
  return sentAt >= from && sentAt <= until && isThatDay;
}

const poolKeys = {
  PhoneNumbers: "phone_numbers",
  ShortCodes: "short_codes",
  AlphaSenders: "alpha_senders",
} as const;

function readV1(world: World, path: readonly string[], url: URL): Resource | undefined {
  const [products, serviceSid, collection, sid] = path;
  if (products === "Tollfree") return listV1("verifications", world.verifications, url);
  if (products !== "Services") return undefined;
  if (serviceSid === undefined) return listV1("services", world.services, url);
  const service = world.services.find((one) => one.sid === serviceSid);
  if (service === undefined || collection === undefined) return service;
  if (collection === "Compliance") return listV1("compliance", campaignsOf(service), url);
  if (!Object.hasOwn(poolKeys, collection)) return undefined;
  const pool = collection as keyof typeof poolKeys;
  const own = world.pools[pool].filter((one) => one.service_sid === serviceSid);
  return sid === undefined ? listV1(poolKeys[pool], own, url) : own.find((one) => one.sid === sid);
}

function campaignsOf({ sid, us_app_to_person_registered: isRegistered }: Resource): Resource[] {
  if (isRegistered !== true) return [];
  const status = { campaign_status: "VERIFIED", messaging_service_sid: sid };
  return [{ ...status, campaign_id: "CABC123", brand_registration_sid: `BN${"0".repeat(32)}` }];
}
