import type { Sql } from "../../db/sql.ts";
import { readCsv } from "../../lib/csv.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import type { NetworkBook } from "../../numbers/network-book.ts";
import {
  deleteNumberRange,
  listNumberRanges,
  NUMBER_RANGES_MAX,
  type NumberRange,
  storeNumberRanges,
} from "../../numbers/network-store.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import { type Call, count, csvOf, objectOf, type Route, text, textOf } from "./route.ts";

export type NumberRangeNeeds = {
  readonly sql: Sql;
  readonly networkBook: Pick<NetworkBook, "refresh">;
};

const NAME_LENGTH_MAX = 64;

const range = objectOf({
  prefix: {
    ...text,
    pattern: "^\\+[1-9]\\d{0,14}$",
    description: "What the numbers begin with; a whole number for one that was ported.",
  },
  network: { ...text, pattern: "^\\d{5,6}$", description: "MCC and MNC, such as 26201." },
  name: {
    ...text,
    maxLength: NAME_LENGTH_MAX,
    description: "As price lists call its carrier; may be empty.",
  },
});

export function numberRangeRoutes(app: NumberRangeNeeds): Route[] {
  const isForOperator = true;
  return [
    {
      ...{ method: "GET", path: "/NumberRanges", id: "ListNumberRanges", isForOperator },
      summary: "Which network the numbers of a range are in",
      query: { ...pageQuery, Network: text },
      answer: { status: 200, schema: pageSchema("number_ranges", range) },
      handle: (call) => list(app, call),
    },
    {
      ...{ method: "POST", path: "/NumberRanges/Import", id: "ImportNumberRanges", isForOperator },
      summary: "Adding number ranges by CSV with the columns prefix, network and name",
      query: {
        Replace: { type: "boolean", description: "Whether they take the place of all before." },
      },
      body: { type: "csv" },
      answer: { status: 200, schema: objectOf({ stored: count }) },
      handle: (call) => load(app, call),
    },
    {
      ...{ method: "DELETE", path: "/NumberRanges/{prefix}", isForOperator },
      id: "RemoveNumberRange",
      summary: "Forgetting a number range",
      answer: { status: 204 },
      handle: async ({ params }) => {
        const prefix = params.prefix ?? "";
        if (!(await deleteNumberRange(app.sql, prefix))) throw notFound(`The range '${prefix}'`);
        await app.networkBook.refresh();
      },
    },
  ];
}

async function list(app: NumberRangeNeeds, call: Call) {
  const page = readPage(call, 1);
  const ranges = await listNumberRanges(app.sql, {
    ...{ network: textOf(call.query.Network), after: page.after?.[0] ?? "", limit: page.limit },
  });
  return {
    number_ranges: ranges,
    ...pageOf("number_ranges", ranges, page, ({ prefix }) => [prefix]),
  };
}

/** One line at fault refuses the file, so that what is stored is what was meant. */
async function load(app: NumberRangeNeeds, call: Call) {
  const ranges: NumberRange[] = [];
  let header: readonly string[] | undefined;
  for await (const { row, fields } of readCsv(csvOf(call))) {
    if (header === undefined) {
      header = fields.map((field) => field.trim().toLowerCase());
      continue;
    }
    if (ranges.length === NUMBER_RANGES_MAX) throw tooMany();
    const given = header.map((name, column) => [name, fields[column]?.trim() ?? ""]);
    const line = { name: "", ...Object.fromEntries(given) };
    const { prefix, network, name } = call.readAs(range, line, `row ${row}`) as NumberRange; // by the schema
    ranges.push({ prefix, network, name });
  }
  const isAll = Boolean(call.query.Replace);
  const { isTooMany } = await storeNumberRanges(app.sql, ranges, { isAll });
  if (isTooMany) throw tooMany();
  await app.networkBook.refresh();
  return { stored: new Set(ranges.map(({ prefix }) => prefix)).size };
}

function tooMany() {
  return invalidParameter(
    "body",
    `there would be more than ${NUMBER_RANGES_MAX} ranges. Leave out networks that no route and no price names.`,
  );
}
