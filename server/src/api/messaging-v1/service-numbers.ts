import { ApiError, notFound } from "../../lib/errors.ts";
import type { Sender } from "../../senders/sender.ts";
import { POOL_SIZE_MAX, type Service } from "../../senders/service.ts";
import { joinService, leaveService } from "../../senders/service-store.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { ApiRequest, Route } from "../route.ts";
import { findService } from "./service.ts";

/** Phone numbers and short codes are two resources of one kind. */
type Kind = {
  readonly resource: "PhoneNumbers" | "ShortCodes";
  readonly key: "phone_numbers" | "short_codes";
  readonly field: "phone_number" | "short_code";
  readonly parameter: "PhoneNumberSid" | "ShortCodeSid";
  readonly has: (sender: Sender) => boolean;
};

const kinds: readonly Kind[] = [
  {
    ...{ resource: "PhoneNumbers", key: "phone_numbers", field: "phone_number" },
    ...{ parameter: "PhoneNumberSid", has: (sender) => sender.kind !== "short_code" },
  },
  {
    ...{ resource: "ShortCodes", key: "short_codes", field: "short_code" },
    ...{ parameter: "ShortCodeSid", has: (sender) => sender.kind === "short_code" },
  },
];

export const serviceNumberRoutes: readonly Route[] = kinds.flatMap(routesOf);

function routesOf(kind: Kind): Route[] {
  const path = `/v1/Services/:service/${kind.resource}`;
  return [
    {
      method: "POST",
      path,
      parameters: { [kind.parameter]: "same" },
      handle: async (app, request) => ({
        status: 201,
        body: show(request, { kind, sender: await join(app, request, kind) }),
      }),
    },
    {
      method: "GET",
      path,
      parameters: pageParameters,
      handle: async (app, request) => {
        const asked = readPage(request);
        const all = findService(app, request)
          .numbers.filter(kind.has)
          .toSorted((a, b) => (a.sid < b.sid ? 1 : -1));
        const found = sliceAfter(all, asked, (sender, token) => sender.sid < token);
        return {
          status: 200,
          body: metaPageBody(request, asked, {
            key: kind.key,
            found,
            tokenOf: (sender) => sender.sid,
            show: (sender) => show(request, { kind, sender }),
          }),
        };
      },
    },
    {
      method: "GET",
      path: `${path}/:sid`,
      parameters: {},
      handle: async (app, request) => {
        const sender = findIn(findService(app, request), kind, request);
        return { status: 200, body: show(request, { kind, sender }) };
      },
    },
    {
      method: "DELETE",
      path: `${path}/:sid`,
      parameters: {},
      handle: async (app, request) => {
        const service = findService(app, request);
        const sender = findIn(service, kind, request);
        const leave = { account: service.account, service: service.sid, sender: sender.sid };
        if (!(await leaveService(app.sql, leave))) throw notFound(`The sender ${sender.sid}`);
        await app.senderBook.refresh();
        return { status: 204 };
      },
    },
  ];
}

async function join(app: ApiNeeds, request: ApiRequest, kind: Kind): Promise<Sender> {
  const service = findService(app, request);
  const sid = request.form.text(kind.parameter) || undefined;
  if (sid === undefined) {
    throw new ApiError(400, 20001, `The parameter '${kind.parameter}' is missing. Give a sid.`);
  }
  const sender = app.senderBook.bySid(request.account.id, sid);
  if (sender === undefined || !kind.has(sender)) throw notFound(`The sender ${sid}`);
  const key = { account: request.account.id, service: service.sid, sender: sid };
  const joined = await joinService(app.sql, key, app.clock());
  if (joined === "gone") throw notFound(`The sender ${sid}`);
  if (joined !== "joined") throw refusals[joined](sender.number);
  await app.senderBook.refresh();
  return app.senderBook.bySid(request.account.id, sid) ?? sender;
}

const refusals = {
  "there already": (sender: string) =>
    new ApiError(409, 21710, `${sender} is in this messaging service already.`),
  "in another service": (sender: string) =>
    new ApiError(409, 21712, `${sender} is in another messaging service. Take it out there first.`),
  full: () =>
    new ApiError(
      412,
      21714,
      `A messaging service has at most ${POOL_SIZE_MAX} senders. Take one out, or make another.`,
    ),
} as const;

function findIn(service: Service, kind: Kind, request: ApiRequest): Sender {
  const sid = request.params.sid ?? "";
  const sender = service.numbers.find((one) => one.sid === sid && kind.has(one));
  if (sender === undefined) throw notFound(`The sender ${sid} in the service ${service.sid}`);
  return sender;
}

function show(
  request: ApiRequest,
  { kind, sender }: { readonly kind: Kind; readonly sender: Sender },
): object {
  const since = isoDate(sender.inServiceSince ?? sender.createdAt);
  const service = request.params.service ?? "";
  return {
    sid: sender.sid,
    account_sid: request.account.sid,
    service_sid: service,
    [kind.field]: sender.number,
    country_code: sender.country,
    capabilities: sender.canMms ? ["MMS", "SMS"] : ["SMS"],
    date_created: since,
    date_updated: since,
    url: `${request.origin}/v1/Services/${service}/${kind.resource}/${sender.sid}`,
  };
}
