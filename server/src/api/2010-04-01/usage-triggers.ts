import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import { parsePrice } from "../../spend/price.ts";
import { categories } from "../../usage/category.ts";
import {
  formatMicros,
  recurrences,
  type TriggerChange,
  triggerFields,
  type WatchedTrigger,
} from "../../usage/trigger.ts";
import {
  deleteTrigger,
  findTrigger,
  insertTrigger,
  listTriggers,
  TRIGGERS_PER_ACCOUNT_MAX,
  updateTrigger,
} from "../../usage/trigger-store.ts";
import { hostOf } from "../../webhooks/call.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds } from "../needs.ts";
import { pageBody, pageParameters, readPage } from "../page.ts";
import { rfc2822 } from "../rfc2822.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";
import { readFriendlyName } from "./accounts.ts";

const path = "/2010-04-01/Accounts/:account/Usage/Triggers";
const change = {
  ...{ FriendlyName: "same", CallbackUrl: "same", CallbackMethod: "same" },
} as const satisfies ParameterTable;
const watch = {
  ...{ UsageCategory: "different", TriggerBy: "same", Recurring: "same" },
} as const satisfies ParameterTable;

/** Who is called when usage reaches a value. */
export const usageTriggerRoutes: readonly Route[] = [
  { method: "GET", path, parameters: { ...watch, ...pageParameters }, handle: list },
  {
    ...{ method: "POST", path, handle: create },
    parameters: { ...watch, TriggerValue: "same", ...change },
  },
  { method: "GET", path: `${path}/:sid`, parameters: {}, handle: fetchOne },
  { method: "POST", path: `${path}/:sid`, parameters: change, handle: update },
  {
    ...{ method: "DELETE", path: `${path}/:sid`, parameters: {} },
    handle: async (app, request) => {
      if (!(await deleteTrigger(app.sql, triggerOf(request)))) throw unknownTrigger(request);
      return { status: 204 };
    },
  },
];

const names = categories.map(({ name }) => name);
/** Nine digits in front: whatever one reaches, in millionths still a whole number. */
const valuePattern = /^(\+?)(\d{1,9}(\.\d{1,6})?)$/;

async function create(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const { form, account } = request;
  const category = form.choice("UsageCategory", names);
  if (category === undefined) throw missing("UsageCategory");
  const { callbackUrl, callbackHost, callbackMethod, friendlyName } = readChange(request);
  if (callbackUrl === undefined || callbackHost === undefined) throw missing("CallbackUrl");
  const [, offset, value] = valuePattern.exec(form.text("TriggerValue")?.trim() ?? "") ?? [];
  const triggerMicros = parsePrice(value ?? "0");
  if (triggerMicros === 0) {
    throw invalidParameter("TriggerValue", "write a number above 0, or +30 for 30 more than now.");
  }
  const sid = newSid("UT", app.clock());
  const trigger = {
    ...{ sid, account: account.id, category, callbackUrl, callbackHost },
    triggerBy: form.choice("TriggerBy", triggerFields) ?? "usage",
    recurring: form.choice("Recurring", recurrences) ?? null,
    ...{ callbackMethod: callbackMethod ?? "POST", friendlyName: friendlyName ?? "" },
    ...{ triggerMicros, isOffset: offset === "+" },
  } as const;
  if (!(await insertTrigger(app.sql, trigger, app.clock()))) {
    throw new ApiError(
      400,
      20001,
      `An account has at most ${TRIGGERS_PER_ACCOUNT_MAX} usage triggers. Delete one first.`,
    );
  }
  return { ...(await fetchTrigger(app, request, sid)), status: 201 };
}

async function list(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const { form } = request;
  const asked = readPage(request);
  const found = await listTriggers(app.sql, {
    account: request.account.id,
    category: form.text("UsageCategory") || undefined,
    triggerBy: form.choice("TriggerBy", triggerFields),
    recurring: form.choice("Recurring", recurrences),
    ...{ afterSid: asked.after, limit: asked.size + 1 },
  });
  return {
    status: 200,
    body: pageBody(request, asked, {
      ...{ key: "usage_triggers", found, filters: Object.keys(watch) },
      show: (trigger: WatchedTrigger) => showTrigger(request, trigger),
      tokenOf: ({ sid }: WatchedTrigger) => sid,
    }),
  };
}

async function fetchOne(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  return fetchTrigger(app, request, triggerOf(request).sid);
}

async function fetchTrigger(app: ApiNeeds, request: ApiRequest, sid: string): Promise<Answer> {
  const trigger = await findTrigger(app.sql, { account: request.account.id, sid });
  if (trigger === undefined) throw unknownTrigger(request);
  return { status: 200, body: showTrigger(request, trigger) };
}

async function update(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const of = { ...triggerOf(request), change: readChange(request) };
  if (!(await updateTrigger(app.sql, of, app.clock()))) throw unknownTrigger(request);
  return fetchOne(app, request);
}

function readChange(request: ApiRequest): Partial<TriggerChange> {
  const { form } = request;
  const url = form.url("CallbackUrl") || undefined;
  const method = form.choice("CallbackMethod", ["GET", "POST"]);
  const friendlyName = readFriendlyName(request);
  return {
    ...(url === undefined ? {} : { callbackUrl: url, callbackHost: hostOf(url) }),
    ...(method === undefined ? {} : { callbackMethod: method }),
    ...(friendlyName === undefined ? {} : { friendlyName }),
  };
}

function triggerOf(request: ApiRequest) {
  return { account: request.account.id, sid: request.params.sid ?? "" };
}

function unknownTrigger(request: ApiRequest) {
  return notFound(`The usage trigger ${request.params.sid}`);
}

function missing(name: string) {
  return new ApiError(400, 20001, `The parameter '${name}' is missing. It is required.`);
}

function showTrigger({ account }: ApiRequest, trigger: WatchedTrigger): object {
  const usage = `/2010-04-01/Accounts/${account.sid}/Usage`;
  return {
    ...{ sid: trigger.sid, account_sid: account.sid, api_version: "2010-04-01" },
    ...{ usage_category: trigger.category, trigger_by: trigger.triggerBy },
    trigger_value: formatMicros(trigger.triggerMicros),
    current_value: formatMicros(trigger.currentMicros),
    ...{ recurring: trigger.recurring, friendly_name: trigger.friendlyName },
    ...{ callback_url: trigger.callbackUrl, callback_method: trigger.callbackMethod },
    date_created: rfc2822(trigger.createdAt),
    date_updated: rfc2822(trigger.updatedAt),
    date_fired: trigger.firedAt && rfc2822(trigger.firedAt),
    uri: `${usage}/Triggers/${trigger.sid}.json`,
    usage_record_uri: `${usage}/Records.json?Category=${trigger.category}`,
  };
}
