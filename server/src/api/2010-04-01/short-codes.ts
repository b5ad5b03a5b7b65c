import type { Account } from "../../accounts/account.ts";
import { notFound } from "../../lib/errors.ts";
import type { Sender } from "../../senders/sender.ts";
import { updateSender } from "../../senders/store.ts";
import type { ApiNeeds } from "../needs.ts";
import { pageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import { rfc2822 } from "../rfc2822.ts";
import type { ApiRequest, Route } from "../route.ts";
import { readSettings, refuseLoneFallback, settingParameters } from "./senders.ts";

const path = "/2010-04-01/Accounts/:account/SMS/ShortCodes";

export const shortCodeRoutes: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: { FriendlyName: "same", ShortCode: "same", ...pageParameters },
    handle: async (app, request) => {
      const asked = readPage(request);
      const name = request.form.text("FriendlyName") || undefined;
      const code = request.form.text("ShortCode") || undefined;
      const all = app.senderBook
        .ofAccount(request.account.id)
        .filter(
          (sender) =>
            sender.kind === "short_code" &&
            (name === undefined || sender.friendlyName === name) &&
            (code === undefined || sender.number === code),
        );
      const found = sliceAfter(all, asked, (sender, token) => sender.sid < token);
      const show = (sender: Sender) => showShortCode(request.account, sender);
      const tokenOf = (sender: Sender) => sender.sid;
      const filters = ["FriendlyName", "ShortCode"];
      return {
        status: 200,
        body: pageBody(request, asked, { key: "short_codes", found, show, tokenOf, filters }),
      };
    },
  },
  {
    method: "GET",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => ({
      status: 200,
      body: showShortCode(request.account, findShortCode(app, request)),
    }),
  },
  {
    method: "POST",
    path: `${path}/:sid`,
    parameters: settingParameters,
    handle: async (app, request) => {
      const held = findShortCode(app, request);
      const settings = readSettings(request);
      refuseLoneFallback(settings, held.smsUrl);
      const updated = await updateSender(app.sql, held, settings, app.clock());
      if (updated === undefined) throw notFound(`The short code ${held.sid}`);
      await app.senderBook.refresh();
      return { status: 200, body: showShortCode(request.account, updated) };
    },
  },
];

function findShortCode(app: ApiNeeds, request: ApiRequest): Sender {
  const sid = request.params.sid ?? "";
  const sender = app.senderBook.bySid(request.account.id, sid);
  if (sender?.kind !== "short_code") throw notFound(`The short code ${sid}`);
  return sender;
}

function showShortCode(account: Account, sender: Sender) {
  return {
    sid: sender.sid,
    account_sid: account.sid,
    short_code: sender.number,
    friendly_name: sender.friendlyName,
    api_version: "2010-04-01",
    sms_url: sender.smsUrl,
    sms_method: sender.smsMethod,
    sms_fallback_url: sender.smsFallbackUrl,
    sms_fallback_method: sender.smsFallbackMethod,
    date_created: rfc2822(sender.createdAt),
    date_updated: rfc2822(sender.updatedAt),
    uri: `/2010-04-01/Accounts/${account.sid}/SMS/ShortCodes/${sender.sid}.json`,
  };
}
