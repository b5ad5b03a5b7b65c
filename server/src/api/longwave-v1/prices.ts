import type { Sql } from "../../db/sql.ts";
import { readCsv } from "../../lib/csv.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import { isCountry } from "../../numbers/countries.ts";
import { formatPrice, type Price, parsePrice, pricePattern } from "../../spend/price.ts";
import type { PriceBook } from "../../spend/price-book.ts";
import { deletePrice, listPrices, type StoredPrice, upsertPrices } from "../../spend/store.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import {
  type Call,
  count,
  csvOf,
  date,
  listOf,
  objectOf,
  type Route,
  text,
  textOf,
} from "./route.ts";
import { listConnectors } from "./store.ts";

export type PriceNeeds = { readonly sql: Sql; readonly priceBook: Pick<PriceBook, "refresh"> };

const PRICES_MAX = 1_000;
/** Lines of one CSV file: they are stored together or not at all. */
const CSV_PRICES_MAX = 50_000;

const properties = {
  connector: { ...text, description: "The name of the connector." },
  country: { ...text, pattern: "^([A-Z]{2}|\\*)$", description: "ISO 3166-1 alpha-2, or *." },
  carrier: { ...text, maxLength: 64, description: "Empty: every carrier of the country." },
  valid_from: { ...date, description: "From when on; long ago when left out." },
  price: { ...text, pattern: pricePattern, description: "US dollars for a segment." },
} as const;
const newPrice = { type: "object", required: ["connector", "country", "price"], properties };
const storedPrice = objectOf({ id: count, ...properties });
const stored = objectOf({ stored: count });

export function priceRoutes(app: PriceNeeds): Route[] {
  const isForOperator = true;
  return [
    {
      ...{ method: "GET", path: "/Prices", id: "ListPrices", isForOperator },
      summary: "The price lists of connectors",
      query: { ...pageQuery, Connector: text, Country: text },
      answer: { status: 200, schema: pageSchema("prices", storedPrice) },
      handle: (call) => list(app, call),
    },
    {
      ...{ method: "POST", path: "/Prices", id: "PutPrices", isForOperator },
      summary: "Adding lines to price lists",
      body: {
        type: "json",
        schema: objectOf({ prices: { ...listOf(newPrice), minItems: 1, maxItems: PRICES_MAX } }),
      },
      answer: { status: 200, schema: stored },
      handle: ({ body }) => put(app, (body as { prices: NewPrice[] }).prices),
    },
    {
      ...{ method: "POST", path: "/Prices/Import", id: "ImportPrices", isForOperator },
      summary: "Adding lines to price lists by CSV, whose columns are the fields of JSON",
      body: { type: "csv" },
      answer: { status: 200, schema: stored },
      handle: async (call) => put(app, await readLines(call)),
    },
    {
      ...{ method: "DELETE", path: "/Prices/{id}", id: "RemovePrice", isForOperator },
      summary: "Removing a line of a price list",
      answer: { status: 204 },
      handle: async ({ params }) => {
        const id = /^\d{1,9}$/.test(params.id ?? "") ? Number(params.id) : 0;
        if (!(await deletePrice(app.sql, id))) throw notFound(`The price ${params.id}`);
        await app.priceBook.refresh();
      },
    },
  ];
}

/** By the schema. */
type NewPrice = {
  connector: string;
  country: string;
  carrier?: string;
  valid_from?: string;
  price: string;
};

async function list(app: PriceNeeds, call: Call) {
  const page = readPage(call, 1);
  const prices = await listPrices(app.sql, {
    ...{ connector: textOf(call.query.Connector), country: textOf(call.query.Country) },
    ...{ afterId: Number(page.after?.[0] ?? 0) || 0, limit: page.limit },
  });
  return {
    prices: prices.map(describe),
    ...pageOf("prices", prices, page, ({ id }) => [String(id)]),
  };
}

async function put(app: PriceNeeds, given: readonly NewPrice[]) {
  const connectors = new Set((await listConnectors(app.sql)).map(({ name }) => name));
  const prices = given.map((one) => priceOf(one, connectors));
  await upsertPrices(app.sql, prices);
  await app.priceBook.refresh();
  return { stored: prices.length };
}

function priceOf(given: NewPrice, connectors: ReadonlySet<string>): Price {
  if (!connectors.has(given.connector)) {
    throw invalidParameter("connector", `'${given.connector}' does not exist. Add it first.`);
  }
  if (given.country !== "*" && !isCountry(given.country)) {
    throw invalidParameter("country", `'${given.country}' is no country's ISO code.`);
  }
  return {
    ...{ connector: given.connector, country: given.country, carrier: given.carrier ?? "" },
    validFrom: new Date(given.valid_from ?? 0),
    micros: parsePrice(given.price),
  };
}

/** One line at fault refuses the file, so that what is stored is what was meant. */
async function readLines(call: Call): Promise<NewPrice[]> {
  const prices: NewPrice[] = [];
  let header: readonly string[] | undefined;
  for await (const { row, fields } of readCsv(csvOf(call))) {
    if (header === undefined) {
      header = fields.map((field) => field.trim().toLowerCase());
      continue;
    }
    if (prices.length === CSV_PRICES_MAX) {
      throw invalidParameter("body", `it has more than ${CSV_PRICES_MAX} rows. Split the file.`);
    }
    const given = header.map((name, column) => [name, fields[column]?.trim() ?? ""]);
    const filled = Object.fromEntries(given.filter(([, value]) => value !== ""));
    prices.push(call.readAs(newPrice, filled, `row ${row}`) as NewPrice); // by the schema
  }
  return prices;
}

function describe(price: StoredPrice) {
  return {
    ...{ id: price.id, connector: price.connector, country: price.country },
    ...{ carrier: price.carrier, valid_from: price.validFrom.toISOString() },
    price: formatPrice(price.micros),
  };
}
