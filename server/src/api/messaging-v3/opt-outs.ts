import { builtInReply } from "../../compliance/keyword-reply.ts";
import { languages } from "../../compliance/keyword-sets.ts";
import { builtInWords, type KeywordKind } from "../../compliance/keywords.ts";
import { notFound } from "../../lib/errors.ts";
import { countries } from "../../numbers/countries.ts";
import type { Service } from "../../senders/service.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { ApiRequest, Route } from "../route.ts";

const path = "/v3/OptOuts";
const kinds = ["stop", "start", "help"] as const satisfies readonly KeywordKind[];
const countryNames = new Intl.DisplayNames(["en"], { type: "region" });

/**
 * Twilio's file names these paths and shapes and no operation: the methods are ours. Each messaging
 * service has one configuration, under the service's own digits.
 */
export const optOutRoutes: readonly Route[] = [
  {
    ...{ method: "GET", path, parameters: pageParameters },
    handle: async (app, request) => list(app, request),
  },
  {
    ...{ method: "GET", path: `${path}/DefaultKeywordsMessages`, parameters: {} },
    handle: async () => ({
      status: 200,
      body: Object.fromEntries(kinds.map((kind) => [kind.toUpperCase(), showBuiltIn(kind)])),
    }),
  },
  {
    ...{ method: "GET", path: `${path}/Configurations/Languages`, parameters: {} },
    handle: async () => ({
      status: 200,
      body: { languages: languages.map((key) => ({ key, friendly_name: inSmallLetters(key) })) },
    }),
  },
  {
    ...{ method: "GET", path: `${path}/Configurations/MessageTypes`, parameters: {} },
    handle: async () => ({
      status: 200,
      body: { message_types: ["ALL", ...countries.map(({ code }) => code)].map(showCountry) },
    }),
  },
  {
    ...{ method: "GET", path: `${path}/:sid`, parameters: {} },
    handle: async (app, request) => {
      return { status: 200, body: show(request, optOutService(app, request)) };
    },
  },
  {
    ...{ method: "GET", path: `${path}/:sid/MessageTypes`, parameters: {} },
    handle: async (app, request) => {
      const { sid } = optOutService(app, request);
      const sets = app.ruleBook.current().keywordSets.get(sid) ?? [];
      const used = [...new Set(["ALL", ...sets.map(({ country }) => country)])];
      const body = { ...optOutKey(request, sid), message_types: used.map(showCountry) };
      return { status: 200, body };
    },
  },
];

/** The service that the path's configuration is of. */
export function optOutService(app: ApiNeeds, { account, params }: ApiRequest): Service {
  const sid = params.sid ?? "";
  const service = sid.startsWith("OO")
    ? app.senderBook.service(account.id, `MG${sid.slice(2)}`)
    : undefined;
  if (service === undefined) throw notFound(`The opt-out configuration ${sid}`);
  return service;
}

export function optOutKey({ account }: ApiRequest, service: string) {
  return { account_sid: account.sid, opt_out_sid: `OO${service.slice(2)}` };
}

async function list(app: ApiNeeds, request: ApiRequest) {
  const asked = readPage(request);
  const all = app.senderBook.servicesOf(request.account.id);
  const found = sliceAfter(all, asked, (service, token) => service.sid < token);
  return {
    status: 200,
    body: metaPageBody(request, asked, {
      ...{ key: "opt_outs", found },
      tokenOf: (service) => service.sid,
      show: (service) => show(request, service),
    }),
  };
}

function show(request: ApiRequest, service: Service) {
  return {
    ...optOutKey(request, service.sid),
    friendly_name: service.friendlyName,
    date_created: isoDate(service.createdAt),
    date_updated: isoDate(service.updatedAt),
  };
}

/** All are reserved: no set takes a built-in word away. */
function showBuiltIn(kind: KeywordKind) {
  const keywords = builtInWords(kind).map((keyword) => ({ keyword, reserved: true }));
  return { keywords, message: builtInReply(kind) };
}

function showCountry(key: string) {
  const name = key === "ALL" ? "Global Default Settings" : countryNames.of(key);
  return { key, friendly_name: name ?? key };
}

function inSmallLetters(name: string): string {
  const words = name.toLowerCase().split("_");
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join(" ");
}
