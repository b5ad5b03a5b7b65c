import { type GeoPermission, upsertGeoPermissions } from "../../compliance/rule-store.ts";
import { invalidParameter } from "../../lib/errors.ts";
import { countries, isCountry } from "../../numbers/countries.ts";
import type { ApiNeeds } from "../needs.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";

const path = "/v1/Messaging/GeoPermissions";

/** The countries that an account may text, as accounts.twilio.com has them. */
export const geoPermissionRoutes: readonly Route[] = [
  { method: "GET", path, parameters: { CountryCode: "same" }, handle: list },
  { method: "PATCH", path, parameters: { Permissions: "same" }, handle: update },
];

async function list(app: ApiNeeds, { account, form }: ApiRequest): Promise<Answer> {
  const wanted = form.text("CountryCode")?.toUpperCase().split(",").filter(Boolean) ?? [];
  const unknown = wanted.find((code) => !isCountry(code));
  if (unknown !== undefined) {
    throw invalidParameter("CountryCode", `${unknown} is no country. Give ISO codes, as US,GB.`);
  }
  const { openCountries } = app.ruleBook.current().of(account.id);
  const permissions = countries
    .filter(({ code }) => wanted.length === 0 || wanted.includes(code))
    .map(({ code, prefix }) => ({
      ...{ country_code: code, type: "country", enabled: openCountries.has(code) },
      ...{ prefix, message: "" },
    }));
  return { status: 200, body: { permissions } };
}

/** Each item is changed or refused on its own; the answer says which. */
async function update(app: ApiNeeds, { account, form }: ApiRequest): Promise<Answer> {
  const items = form.list("Permissions").flatMap(readItems);
  if (items.length === 0) {
    throw invalidParameter(
      "Permissions",
      'it is missing. Give objects such as {"country_code":"GB","type":"country","enabled":true}.',
    );
  }
  const read = items.map(readPermission);
  const good = read.filter((one) => "country" in one);
  await upsertGeoPermissions(app.sql, account.id, good, app.clock());
  await app.ruleBook.refresh();
  return { status: 200, body: { permissions: read.map(show) } };
}

type Refusal = { readonly given: Readonly<Record<string, unknown>>; readonly why: string };

/** A value of the form is one object, or a list of them. */
function readItems(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    throw invalidParameter("Permissions", "it is no JSON.");
  }
}

function readPermission(item: unknown): GeoPermission | Refusal {
  const given = typeof item === "object" && item !== null ? { ...item } : {};
  const { country_code: country, type, enabled } = given as Record<string, unknown>;
  if (typeof country !== "string" || !isCountry(country.toUpperCase())) {
    return { given, why: "The country_code is no country's ISO code." };
  }
  if (type !== undefined && type !== "country") return { given, why: "The type must be country." };
  const isEnabled = { true: true, false: false }[String(enabled)];
  if (isEnabled === undefined) return { given, why: "The value of enabled must be true or false." };
  return { country: country.toUpperCase(), isEnabled };
}

function show(one: GeoPermission | Refusal) {
  if ("country" in one) {
    return {
      ...{ country_code: one.country, type: "country", enabled: one.isEnabled },
      ...{ error_code: 0, error_messages: [] },
    };
  }
  const { country_code, enabled } = one.given;
  return {
    ...{ country_code: country_code ?? null, type: "country", enabled: enabled ?? null },
    ...{ error_code: 20001, error_messages: [one.why] },
  };
}
