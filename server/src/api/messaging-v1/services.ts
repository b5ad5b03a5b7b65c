import { notFound } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import { deleteService, insertService, updateService } from "../../senders/service-store.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { Route } from "../route.ts";
import { findService, readSettings, settingParameters, showService } from "./service.ts";

const path = "/v1/Services";
/** For callers whose SDK drops names it does not know. */
const headers = { "x-longwave-default-priority": "DefaultPriority" };

export const serviceRoutes: readonly Route[] = [
  {
    method: "POST",
    path,
    ...{ parameters: settingParameters, headers },
    handle: async (app, request) => {
      const settings = readSettings(request);
      const at = app.clock();
      const key = { sid: newSid("MG", at), account: request.account.id };
      const service = await insertService(app.sql, key, settings, at);
      await app.senderBook.refresh();
      return { status: 201, body: showService(app, request, service) };
    },
  },
  {
    method: "GET",
    path,
    parameters: pageParameters,
    handle: async (app, request) => {
      const asked = readPage(request);
      const all = app.senderBook.servicesOf(request.account.id);
      const found = sliceAfter(all, asked, (service, token) => service.sid < token);
      return {
        status: 200,
        body: metaPageBody(request, asked, {
          key: "services",
          found,
          tokenOf: (service) => service.sid,
          show: (service) => showService(app, request, service),
        }),
      };
    },
  },
  {
    method: "GET",
    path: `${path}/Usecases`,
    parameters: {},
    handle: async () => ({ status: 200, body: { usecases: usecasesShown } }),
  },
  {
    method: "GET",
    path: `${path}/:service`,
    parameters: {},
    handle: async (app, request) => ({
      status: 200,
      body: showService(app, request, findService(app, request)),
    }),
  },
  {
    method: "POST",
    path: `${path}/:service`,
    ...{ parameters: settingParameters, headers },
    handle: async (app, request) => {
      const service = findService(app, request);
      const settings = readSettings(request, service);
      const updated = await updateService(app.sql, service, settings, app.clock());
      if (updated === undefined) throw notFound(`The messaging service ${service.sid}`);
      await app.senderBook.refresh();
      return { status: 200, body: showService(app, request, updated) };
    },
  },
  {
    method: "DELETE",
    path: `${path}/:service`,
    parameters: {},
    handle: async (app, request) => {
      const service = findService(app, request);
      if (!(await deleteService(app.sql, service))) {
        throw notFound(`The messaging service ${service.sid}`);
      }
      await app.senderBook.refresh();
      return { status: 204 };
    },
  },
];

const usecasesShown = [
  {
    usecase: "notifications",
    description: "News of an order, an appointment, an account, a danger: what somebody waits for.",
    purpose: "Notify my users.",
  },
  {
    usecase: "marketing",
    description: "Offers and invitations.",
    purpose: "Market my services.",
  },
  {
    usecase: "verification",
    description: "One-time codes.",
    purpose: "Verify my users.",
  },
  {
    usecase: "discussion",
    description: "Conversations between people.",
    purpose: "Discuss with my users.",
  },
  {
    usecase: "poll",
    description: "Questions and votes.",
    purpose: "Poll my users.",
  },
  {
    usecase: "undeclared",
    description: "Anything else.",
    purpose: "Not declared.",
  },
];
