import { ApiError, notFound } from "../../lib/errors.ts";
import { numberType, parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { InventoryNumber } from "../../senders/sender.ts";
import { listFreeCountries, listFreeNumbers } from "../../senders/store.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds } from "../needs.ts";
import { PAGE_SIZE_MAX } from "../page.ts";
import type { ApiRequest, Route } from "../route.ts";

const path = "/2010-04-01/Accounts/:account/AvailablePhoneNumbers";
/** Free numbers looked through for those of a type. */
const CANDIDATES_MAX = 5_000;
const PAGE_SIZE = 50;

const searchParameters = {
  AreaCode: "same",
  Contains: "different",
  SmsEnabled: { only: "true" },
  MmsEnabled: "same",
  PageSize: "same",
  Page: { only: "0" },
  PageToken: "absent",
  VoiceEnabled: { only: "false" },
  FaxEnabled: { only: "false" },
  ExcludeAllAddressRequired: "ignored",
  ExcludeLocalAddressRequired: "ignored",
  ExcludeForeignAddressRequired: "ignored",
  Beta: "ignored",
  NearNumber: "absent",
  NearLatLong: "absent",
  Distance: "absent",
  InPostalCode: "absent",
  InRegion: "absent",
  InRateCenter: "absent",
  InLata: "absent",
  InLocality: "absent",
} as const satisfies ParameterTable;

type Kind = "Local" | "TollFree" | "Mobile";

export const availablePhoneNumberRoutes: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: { PageSize: "ignored", Page: "ignored", PageToken: "absent" },
    handle: async (app, request) => {
      const found = await freeCountries(app, request);
      return { status: 200, body: { countries: found, uri: `${baseOf(request)}.json` } };
    },
  },
  {
    method: "GET",
    path: `${path}/:country`,
    parameters: {},
    handle: async (app, request) => {
      const code = (request.params.country ?? "").toUpperCase();
      const found = await freeCountries(app, request);
      const country = found.find((one) => one.country_code === code);
      if (country === undefined) throw notFound(`A free number of the country '${code}'`);
      return { status: 200, body: country };
    },
  },
  ...(["Local", "TollFree", "Mobile"] as const).map((kind): Route => {
    return {
      method: "GET",
      path: `${path}/:country/${kind}`,
      parameters: searchParameters,
      handle: async (app, request) => ({ status: 200, body: await search(app, request, kind) }),
    };
  }),
];

async function search(app: ApiNeeds, request: ApiRequest, kind: Kind): Promise<object> {
  const { form } = request;
  const size = form.int("PageSize", { min: 1, max: PAGE_SIZE_MAX, code: 20007 }) ?? PAGE_SIZE;
  const country = (request.params.country ?? "").toUpperCase();
  const mms = form.flag("MmsEnabled");
  const pattern = readPattern(request);
  const found = await listFreeNumbers(app.sql, {
    country,
    kind: kind === "TollFree" ? "toll_free" : "long_code",
    like: pattern,
    limit: CANDIDATES_MAX,
  });
  const numbers = found.filter(
    (one) => isOfKind(one, kind) && (mms === undefined || one.canMms === mms),
  );
  return {
    available_phone_numbers: numbers.slice(0, size).map(showAvailable),
    uri: `${baseOf(request)}/${country}/${kind}.json`,
  };
}

function isOfKind(one: InventoryNumber, kind: Kind): boolean {
  if (kind === "TollFree") return true;
  const number = parsePhoneNumber(one.number);
  const isMobile = number !== undefined && numberType(number) === "mobile";
  return isMobile === (kind === "Mobile");
}

/** A pattern of SQL's `like`: digits of Contains anywhere, `*` for any one, after the area code. */
function readPattern(request: ApiRequest): string | undefined {
  const areaCode = readAreaCode(request);
  const contains = request.form.text("Contains") || undefined;
  if (contains !== undefined && !/^\+?[\d*]{1,16}$/.test(contains)) {
    throw new ApiError(
      400,
      20001,
      "The parameter 'Contains' takes digits, and * for any one digit; letters are not in this version.",
    );
  }
  const start = areaCode === undefined ? "" : `+1${areaCode}`;
  if (contains === undefined) return areaCode === undefined ? undefined : `${start}%`;
  const digits = contains.replaceAll("*", "_");
  return digits.startsWith("+") ? `${digits}%` : `${start}%${digits}%`;
}

/** Three digits of the North American plan: 21451 otherwise. */
export function readAreaCode(request: ApiRequest): string | undefined {
  const areaCode = request.form.text("AreaCode") || undefined;
  if (areaCode === undefined || /^[2-9]\d{2}$/.test(areaCode)) return areaCode;
  throw new ApiError(400, 21451, "The area code must be three digits of a US or Canadian number.");
}

async function freeCountries(app: ApiNeeds, request: ApiRequest) {
  const names = new Intl.DisplayNames("en", { type: "region" });
  const found = await listFreeCountries(app.sql);
  return found
    .filter(({ kinds }) => kinds.some((kind) => kind !== "short_code"))
    .map(({ country, kinds }) => {
      const uri = `${baseOf(request)}/${country}`;
      return {
        country_code: country,
        country: names.of(country) ?? country,
        beta: false,
        uri: `${uri}.json`,
        subresource_uris: {
          ...(kinds.includes("long_code")
            ? { local: `${uri}/Local.json`, mobile: `${uri}/Mobile.json` }
            : {}),
          ...(kinds.includes("toll_free") ? { toll_free: `${uri}/TollFree.json` } : {}),
        },
      };
    });
}

function baseOf(request: ApiRequest): string {
  return `/2010-04-01/Accounts/${request.account.sid}/AvailablePhoneNumbers`;
}

function showAvailable(one: InventoryNumber): object {
  return {
    friendly_name: one.number,
    phone_number: one.number,
    iso_country: one.country,
    ...{ lata: null, locality: null, rate_center: null, latitude: null, longitude: null },
    ...{ region: null, postal_code: null, address_requirements: "none", beta: false },
    capabilities: { voice: false, sms: true, mms: one.canMms, fax: false },
  };
}
