import { notFound } from "../../lib/errors.ts";
import { countries, isCountry } from "../../numbers/countries.ts";
import type { Sender, SenderKind } from "../../senders/sender.ts";
import { CURRENCY, formatPrice } from "../../spend/price.ts";
import type { ApiNeeds } from "../needs.ts";
import { metaPageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";

const path = "/v1/Messaging/Countries";

/** What texts to a country cost the account, as pricing.twilio.com has it. */
export const pricingRoutes: readonly Route[] = [
  { method: "GET", path, parameters: pageParameters, handle: list },
  { method: "GET", path: `${path}/:country`, parameters: {}, handle: fetchOne },
];

const numberTypes: Readonly<Partial<Record<SenderKind, string>>> = {
  long_code: "local",
  toll_free: "toll free",
  short_code: "shortcode",
};
const names = new Intl.DisplayNames("en", { type: "region" });

async function list(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const asked = readPage(request);
  const priced = countries.filter(({ code }) => pricesOf(app, request, code).length > 0);
  const found = sliceAfter(priced, asked, (one, token) => one.code > token);
  return {
    status: 200,
    body: metaPageBody(request, asked, {
      ...{ key: "countries", found, tokenOf: ({ code }: { code: string }) => code },
      show: ({ code }: { code: string }) => showCountry(request, code),
    }),
  };
}

async function fetchOne(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const country = (request.params.country ?? "").toUpperCase();
  if (!isCountry(country)) throw notFound(`The country '${country}'`);
  return {
    status: 200,
    body: {
      ...showCountry(request, country),
      outbound_sms_prices: pricesOf(app, request, country),
      inbound_sms_prices: [],
      price_unit: CURRENCY,
    },
  };
}

function showCountry({ origin }: ApiRequest, code: string) {
  const url = `${origin}${path}/${code}`;
  return { country: names.of(code) ?? code, iso_country: code, url };
}

/** By carrier, what each kind of the account's senders pays by its connector's list. */
function pricesOf(app: ApiNeeds, { account }: ApiRequest, country: string) {
  const byCarrier = new Map<string, Map<string, number>>();
  for (const sender of app.senderBook.ofAccount(account.id)) {
    addPrices(app, byCarrier, { sender, country });
  }
  return [...byCarrier].map(([carrier, prices]) => ({
    ...{ carrier, ...networkOf(carrier) },
    prices: [...prices].map(([number_type, micros]) => {
      const price = formatPrice(micros);
      return { number_type, base_price: price, current_price: price };
    }),
  }));
}

/** A list may name a carrier by the code of its network. */
function networkOf(carrier: string) {
  const [, mcc = "", mnc = ""] = /^(\d{3})(\d{2,3})$/.exec(carrier) ?? [];
  return { mcc, mnc };
}

function addPrices(
  app: ApiNeeds,
  byCarrier: Map<string, Map<string, number>>,
  { sender, country }: { sender: Sender; country: string },
): void {
  const to = { connector: sender.connector, country };
  const type = numberTypes[sender.kind] ?? sender.kind;
  for (const { carrier, micros } of app.priceBook.current().byCarrier(to, app.clock())) {
    const prices = byCarrier.get(carrier) ?? new Map<string, number>();
    // Two connectors of one kind: the dearer is what a text may cost.
    prices.set(type, Math.max(micros, prices.get(type) ?? 0));
    byCarrier.set(carrier, prices);
  }
}
