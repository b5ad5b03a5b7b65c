import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import { type AlphaSender, isAlphaName, POOL_SIZE_MAX } from "../../senders/service.ts";
import { deleteAlphaSender, insertAlphaSender } from "../../senders/service-store.ts";
import type { ParameterTable } from "../form.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { ApiRequest, Route } from "../route.ts";
import { findService } from "./service.ts";

/** Twilio has two resources for names; of the older one none has a country. */
type Resource = {
  readonly name: "AlphaSenders" | "DestinationAlphaSenders";
  readonly country: ParameterTable;
  readonly has: (sender: AlphaSender) => boolean;
};

const resources: readonly Resource[] = [
  { name: "AlphaSenders", country: {}, has: (sender) => sender.country === null },
  { name: "DestinationAlphaSenders", country: { IsoCountryCode: "same" }, has: () => true },
];

export const alphaSenderRoutes: readonly Route[] = resources.flatMap(routesOf);

function routesOf(resource: Resource): Route[] {
  const path = `/v1/Services/:service/${resource.name}`;
  return [
    {
      method: "POST",
      path,
      parameters: { AlphaSender: "same", ...resource.country },
      handle: async (app, request) => ({
        status: 201,
        body: show(request, { resource, sender: await add(app, request, resource) }),
      }),
    },
    {
      method: "GET",
      path,
      parameters: { ...resource.country, ...pageParameters },
      handle: async (app, request) => list(app, request, resource),
    },
    {
      method: "GET",
      path: `${path}/:sid`,
      parameters: {},
      handle: async (app, request) => {
        const sender = findIn(app, request, resource);
        return { status: 200, body: show(request, { resource, sender }) };
      },
    },
    {
      method: "DELETE",
      path: `${path}/:sid`,
      parameters: {},
      handle: async (app, request) => {
        const sender = findIn(app, request, resource);
        if (!(await deleteAlphaSender(app.sql, sender))) {
          throw notFound(`The sender ${sender.sid}`);
        }
        await app.senderBook.refresh();
        return { status: 204 };
      },
    },
  ];
}

async function list(app: ApiNeeds, request: ApiRequest, resource: Resource) {
  const asked = readPage(request);
  const country = "IsoCountryCode" in resource.country ? readCountry(request) : null;
  const all = findService(app, request)
    .alphaSenders.filter(resource.has)
    .filter((sender) => country === null || sender.country === country)
    .toSorted((a, b) => (a.sid < b.sid ? 1 : -1));
  const found = sliceAfter(all, asked, (sender, token) => sender.sid < token);
  return {
    status: 200,
    body: metaPageBody(request, asked, {
      key: "alpha_senders",
      found,
      tokenOf: (sender) => sender.sid,
      show: (sender) => show(request, { resource, sender }),
      filters: Object.keys(resource.country),
    }),
  };
}

async function add(app: ApiNeeds, request: ApiRequest, resource: Resource): Promise<AlphaSender> {
  const service = findService(app, request);
  const name = request.form.text("AlphaSender") ?? "";
  if (!isAlphaName(name)) {
    throw new ApiError(
      400,
      21709,
      "An AlphaSender has 1 to 11 letters, digits, spaces and - + _ &, and a letter among them.",
    );
  }
  const at = app.clock();
  const country = "IsoCountryCode" in resource.country ? readCountry(request) : null;
  const sender = { sid: newSid("AI", at), service: service.sid, name, country, createdAt: at };
  switch (await insertAlphaSender(app.sql, request.account.id, sender)) {
    case "there already":
      throw new ApiError(409, 21710, `${name} is in this messaging service already.`);
    case "full":
      throw new ApiError(412, 21714, `A messaging service has at most ${POOL_SIZE_MAX} senders.`);
    case "gone":
      throw notFound(`The messaging service ${service.sid}`);
    case "joined":
      await app.senderBook.refresh();
      return sender;
  }
}

function readCountry(request: ApiRequest): string | null {
  const code = request.form.text("IsoCountryCode")?.toUpperCase() || undefined;
  if (code === undefined) return null;
  if (/^[A-Z]{2}$/.test(code)) return code;
  throw invalidParameter("IsoCountryCode", "it must be two letters, such as FR.");
}

function findIn(app: ApiNeeds, request: ApiRequest, resource: Resource): AlphaSender {
  const sid = request.params.sid ?? "";
  const sender = findService(app, request).alphaSenders.find(
    (one) => one.sid === sid && resource.has(one),
  );
  if (sender === undefined) throw notFound(`The sender ${sid}`);
  return sender;
}

function show(
  request: ApiRequest,
  { resource, sender }: { readonly resource: Resource; readonly sender: AlphaSender },
): object {
  const at = isoDate(sender.createdAt);
  return {
    sid: sender.sid,
    account_sid: request.account.sid,
    service_sid: sender.service,
    alpha_sender: sender.name,
    capabilities: ["SMS"],
    ...("IsoCountryCode" in resource.country ? { iso_country_code: sender.country } : {}),
    date_created: at,
    date_updated: at,
    url: `${request.origin}/v1/Services/${sender.service}/${resource.name}/${sender.sid}`,
  };
}
