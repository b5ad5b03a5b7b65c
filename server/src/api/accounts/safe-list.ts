import {
  deleteSafeNumber,
  findSafeNumber,
  insertSafeNumber,
  type SafeNumber,
} from "../../compliance/rule-store.ts";
import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import type { ApiNeeds } from "../needs.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";

const path = "/v1/SafeList/Numbers";
const parameters = { PhoneNumber: "same" } as const;

/** Numbers that geo permissions never stop, as accounts.twilio.com has them. */
export const safeListRoutes: readonly Route[] = [
  { method: "POST", path, parameters, handle: add },
  { method: "GET", path, parameters, handle: fetchOne },
  { method: "DELETE", path, parameters, handle: remove },
];

async function add(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const key = readKey(request);
  const at = app.clock();
  const made = await insertSafeNumber(app.sql, { ...key, sid: newSid("GN", at) }, at);
  if (made === undefined) {
    throw new ApiError(400, 60411, `${key.prefix} is on the SafeList already.`);
  }
  await app.ruleBook.refresh();
  return { status: 201, body: show(made) };
}

async function fetchOne(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const key = readKey(request);
  const found = await findSafeNumber(app.sql, key);
  if (found === undefined) throw notFound(`${key.prefix} on the SafeList`);
  return { status: 200, body: show(found) };
}

async function remove(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const key = readKey(request);
  if (!(await deleteSafeNumber(app.sql, key))) throw notFound(`${key.prefix} on the SafeList`);
  await app.ruleBook.refresh();
  return { status: 204 };
}

/** A number, or one without its last three digits, which stands for a thousand. */
function readKey({ account, form }: ApiRequest): { account: number; prefix: string } {
  const prefix = (form.text("PhoneNumber") ?? "").replace(/^ (?=\d)/, "+").replace(/[\s().-]/g, "");
  if (/^\+[1-9]\d{4,14}$/.test(prefix)) return { account: account.id, prefix };
  throw invalidParameter(
    "PhoneNumber",
    "give a number like +447700900123, or without its last three digits for a thousand numbers.",
  );
}

function show({ sid, prefix }: SafeNumber) {
  return { sid, phone_number: prefix };
}
