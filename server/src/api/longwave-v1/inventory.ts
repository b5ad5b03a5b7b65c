import type { AccountBook } from "../../accounts/account-book.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { readCsv } from "../../lib/csv.ts";
import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import { parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { InventoryNumber, NewSender, SenderKind } from "../../senders/sender.ts";
import { importInventory, listInventory, removeFromInventory } from "../../senders/store.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import {
  type Call,
  count,
  csvOf,
  listOf,
  objectOf,
  type Route,
  type Schema,
  text,
  textOrNull,
} from "./route.ts";
import { isInInventory, listConnectors } from "./store.ts";

export type InventoryNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly accountBook: Pick<AccountBook, "byId">;
};

const NUMBERS_MAX = 1_000;
/** Numbers of one CSV file: they are stored together or not at all. */
const CSV_NUMBERS_MAX = 50_000;
/** The most that one queue may hold: the column's own limit, which is Twilio's ten hours. */
const QUEUE_SECONDS_MAX = 36_000;

/** Limits of a sender, where they are set. */
export const limitSchemas = {
  segments_per_second: { type: "number", exclusiveMinimum: 0, maximum: 10_000 },
  max_queue_seconds: {
    type: "integer",
    minimum: 1,
    maximum: QUEUE_SECONDS_MAX,
    description: "How long its queue may get at that rate; 14,400 (four hours) when left out.",
  },
} as const;

const facts: Readonly<Record<string, Schema>> = {
  number: { ...text, description: "E.164 with its plus, or the digits of a short code." },
  kind: { type: "string", enum: ["long_code", "toll_free", "short_code"] },
  country: { ...text, pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2." },
  connector: { ...text, description: "The name of the connector that carries it." },
  segments_per_second: limitSchemas.segments_per_second,
};
const settings: Readonly<Record<string, Schema>> = {
  max_queue_seconds: limitSchemas.max_queue_seconds,
  can_mms: { type: "boolean" },
};
const newNumber = { ...objectOf(facts), properties: { ...facts, ...settings } };
const storedNumber = objectOf({
  ...facts,
  ...settings,
  account_sid: { ...textOrNull, description: "Who holds it; null: free." },
});
const change = objectOf({ added: count, updated: count });

export function inventoryRoutes(app: InventoryNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Inventory",
      id: "ListInventory",
      summary: "Every sender that the connectors can carry",
      isForOperator: true,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema("numbers", storedNumber) },
      handle: (call) => list(app, call),
    },
    {
      method: "POST",
      path: "/Inventory",
      id: "PutInventory",
      summary: "Adding senders, or changing those that are there",
      isForOperator: true,
      body: {
        type: "json",
        schema: objectOf({
          numbers: { ...listOf(newNumber), minItems: 1, maxItems: NUMBERS_MAX },
        }),
      },
      answer: { status: 200, schema: change },
      handle: ({ body }) => put(app, (body as { numbers: NumberBody[] }).numbers),
    },
    {
      method: "POST",
      path: "/Inventory/Import",
      id: "ImportInventory",
      summary: "Adding or changing senders by CSV, whose columns are the fields of JSON",
      isForOperator: true,
      body: { type: "csv" },
      answer: { status: 200, schema: change },
      handle: async (call) => put(app, await readNumbers(call)),
    },
    {
      method: "DELETE",
      path: "/Inventory/{number}",
      id: "RemoveFromInventory",
      summary: "Removing a sender that nobody holds",
      isForOperator: true,
      answer: { status: 204 },
      handle: ({ params }) => remove(app, params.number ?? ""),
    },
  ];
}

/** By the schema. */
type NumberBody = {
  number: string;
  kind: SenderKind;
  country: string;
  connector: string;
  segments_per_second: number;
  max_queue_seconds?: number;
  can_mms?: boolean;
};

async function list(app: InventoryNeeds, call: Call) {
  const page = readPage(call, 1);
  const numbers = await listInventory(app.sql, { after: page.after?.[0], limit: page.limit });
  return {
    numbers: numbers.map((number) => describe(app, number)),
    ...pageOf("numbers", numbers, page, ({ number }) => [number]),
  };
}

async function put(app: InventoryNeeds, numbers: readonly NumberBody[]) {
  const connectors = await listConnectors(app.sql);
  const names = new Set(connectors.map(({ name }) => name));
  const senders = numbers.map((number) => newSender(number, names));
  return await importInventory(app.sql, senders, app.clock());
}

function newSender(given: NumberBody, connectors: ReadonlySet<string>): NewSender {
  if (!connectors.has(given.connector)) {
    const known = [...connectors].join(", ") || "none yet";
    const why = `'${given.connector}' does not exist (there is: ${known}). Add it first.`;
    throw invalidParameter("connector", why);
  }
  return {
    number: readNumber(given),
    kind: given.kind,
    country: given.country,
    connector: given.connector,
    segmentsPerSecond: given.segments_per_second,
    maxQueueSeconds: given.max_queue_seconds,
    canMms: given.can_mms,
  };
}

function readNumber({ number, kind }: NumberBody): string {
  if (kind === "short_code") {
    if (/^\d{3,8}$/.test(number)) return number;
    throw invalidParameter("number", `'${number}' is no short code of 3 to 8 digits.`);
  }
  const parsed = parsePhoneNumber(number);
  if (parsed !== undefined) return parsed;
  throw invalidParameter("number", `'${number}' is no phone number like +12025550123.`);
}

/** One row at fault refuses the file, so that what is stored is what was meant. */
async function readNumbers(call: Call): Promise<NumberBody[]> {
  const numbers: NumberBody[] = [];
  let header: readonly string[] | undefined;
  for await (const { row, fields } of readCsv(csvOf(call))) {
    if (header === undefined) {
      header = fields.map((field) => field.trim().toLowerCase());
      continue;
    }
    if (numbers.length === CSV_NUMBERS_MAX) {
      throw invalidParameter("body", `it has more than ${CSV_NUMBERS_MAX} rows. Split the file.`);
    }
    const given = header.map((name, column) => [name, fields[column]?.trim() ?? ""]);
    const filled = Object.fromEntries(given.filter(([, value]) => value !== ""));
    numbers.push(call.readAs(newNumber, filled, `row ${row}`) as NumberBody); // by the schema
  }
  return numbers;
}

async function remove(app: InventoryNeeds, number: string): Promise<void> {
  if (await removeFromInventory(app.sql, number)) return;
  if (!(await isInInventory(app.sql, number))) throw notFound(`The number '${number}'`);
  throw new ApiError(
    409,
    20409,
    `An account holds ${number}. It must be released first, by DELETE IncomingPhoneNumbers.`,
  );
}

function describe(app: InventoryNeeds, number: InventoryNumber) {
  const holder = number.account === undefined ? undefined : app.accountBook.byId(number.account);
  return {
    number: number.number,
    kind: number.kind,
    country: number.country,
    connector: number.connector,
    segments_per_second: number.segmentsPerSecond,
    max_queue_seconds: number.maxQueueSeconds,
    can_mms: number.canMms,
    account_sid: holder?.sid ?? null,
  };
}
