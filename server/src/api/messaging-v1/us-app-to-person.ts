import { createHash } from "node:crypto";
import type { RegistrationStatus } from "../../compliance/registration.ts";
import type { Campaign } from "../../compliance/registration-store.ts";
import { notFound } from "../../lib/errors.ts";
import { isSid } from "../../lib/sid.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { ApiRequest, Route } from "../route.ts";
import { findService } from "./service.ts";

const path = "/v1/Services/:service/Compliance/Usa2p";

/**
 * The campaigns of a messaging service, to be read: what the operator recorded of its numbers. They
 * are made where they are registered, with the carriers; what they never told here is null.
 */
export const usAppToPersonRoutes: readonly Route[] = [
  {
    ...{ method: "GET", path, parameters: pageParameters },
    handle: async (app, request) => {
      const asked = readPage(request);
      const all = campaignsOf(app, request).toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
      const found = sliceAfter(all, asked, (one, token) => one.sid > token);
      return {
        status: 200,
        body: metaPageBody(request, asked, {
          ...{ key: "compliance", found },
          tokenOf: (one) => one.sid,
          show: (one) => show(request, one),
        }),
      };
    },
  },
  {
    ...{ method: "GET", path: `${path}/:sid`, parameters: {} },
    handle: async (app, request) => {
      const found = campaignsOf(app, request).find(({ sid }) => sid === request.params.sid);
      if (found === undefined) throw notFound(`The campaign ${request.params.sid}`);
      return { status: 200, body: show(request, found) };
    },
  },
];

type Shown = Campaign & { readonly sid: string };

/** In Twilio's words. */
const statuses: Readonly<Record<RegistrationStatus, string>> = {
  pending: "PENDING",
  active: "VERIFIED",
  suspended: "SUSPENDED",
};

function campaignsOf(app: ApiNeeds, request: ApiRequest): readonly Shown[] {
  const { sid: service } = findService(app, request);
  const campaigns = app.ruleBook.current().campaigns.get(service) ?? [];
  return campaigns.map((one) => ({ ...one, sid: sidOf(service, one.campaign) }));
}

/** The registry's id has another form; the same campaign of a service always has the same sid. */
function sidOf(service: string, campaign: string): string {
  const digest = createHash("sha256").update(`${service} ${campaign}`).digest("hex");
  return `QE${digest.slice(0, 32)}`;
}

function show({ account, params, origin }: ApiRequest, one: Shown): object {
  const service = params.service ?? "";
  return {
    ...{ sid: one.sid, account_sid: account.sid, messaging_service_sid: service },
    brand_registration_sid: isSid("BN", one.brand) ? one.brand : null,
    ...{ description: null, message_samples: [], us_app_to_person_usecase: null },
    ...{ has_embedded_links: null, has_embedded_phone: null, subscriber_opt_in: null },
    ...{ age_gated: null, direct_lending: null },
    ...{ campaign_status: statuses[one.status], campaign_id: one.campaign },
    is_externally_registered: true,
    rate_limits: one.class === "" ? null : { att: { mps: null, msg_class: one.class } },
    ...{ message_flow: null, opt_in_message: null, opt_out_message: null, help_message: null },
    ...{ opt_in_keywords: [], opt_out_keywords: [], help_keywords: [] },
    ...{ date_created: isoDate(one.updatedAt), date_updated: isoDate(one.updatedAt) },
    url: `${origin}/v1/Services/${service}/Compliance/Usa2p/${one.sid}`,
    ...{ mock: false, errors: [] },
  };
}
