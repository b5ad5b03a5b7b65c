import type { Sql } from "../../db/sql.ts";
import { type Clock, utcDay } from "../../lib/clock.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import { isCountry } from "../../numbers/countries.ts";
import type { SpendCap } from "../../spend/cap.ts";
import type { CapBook } from "../../spend/cap-book.ts";
import { deleteCap, listCaps, upsertCap } from "../../spend/cap-store.ts";
import { formatPrice, parsePrice } from "../../spend/price.ts";
import { type Call, listOf, objectOf, type Route, text } from "./route.ts";

export type SpendCapNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly capBook: Pick<CapBook, "refresh">;
};

const properties = {
  country: { ...text, pattern: "^([A-Z]{2}|\\*)$", description: "ISO code; *: all together." },
  daily: {
    ...text,
    pattern: "^\\d{1,9}(\\.\\d{1,6})?$",
    description: "US dollars that texts may cost from midnight to midnight, UTC.",
  },
  over: {
    type: "string",
    enum: ["refuse", "defer"],
    description: "Texts beyond it are refused (63038), or wait for the next day. Else refuse.",
  },
} as const;
const newCap = { type: "object", required: ["country", "daily"], properties };
const shownCap = objectOf({
  ...properties,
  taken: { ...text, description: "Of today: spent, or set aside by a process to be spent." },
});

export function spendCapRoutes(app: SpendCapNeeds): Route[] {
  return [
    {
      ...{ method: "GET", path: "/SpendCaps", id: "ListSpendCaps" },
      summary: "The account's daily caps on spending",
      answer: { status: 200, schema: objectOf({ spend_caps: listOf(shownCap) }) },
      handle: ({ account }) => list(app, account.id),
    },
    {
      ...{ method: "POST", path: "/SpendCaps", id: "PutSpendCap" },
      summary: "Setting what texts to a country may cost the account in a day",
      body: { type: "json", schema: newCap },
      answer: { status: 200, schema: objectOf({ spend_caps: listOf(shownCap) }) },
      handle: (call) => put(app, call),
    },
    {
      ...{ method: "DELETE", path: "/SpendCaps/{country}", id: "RemoveSpendCap" },
      summary: "Lifting a daily cap",
      answer: { status: 204 },
      handle: async ({ account, params }) => {
        const country = params.country ?? "";
        if (!(await deleteCap(app.sql, { account: account.id, country }))) {
          throw notFound(`A spend cap for '${country}'`);
        }
        await app.capBook.refresh();
      },
    },
  ];
}

async function list({ sql, clock }: SpendCapNeeds, account: number) {
  const caps = await listCaps(sql, { account, day: utcDay(clock()) });
  return {
    spend_caps: caps.map((cap) => ({
      ...{ country: cap.country, daily: formatPrice(cap.dailyMicros), over: cap.over },
      taken: formatPrice(cap.takenMicros),
    })),
  };
}

async function put(app: SpendCapNeeds, { account, body }: Call) {
  const given = body as { country: string; daily: string; over?: SpendCap["over"] }; // by the schema
  if (given.country !== "*" && !isCountry(given.country)) {
    throw invalidParameter("country", `'${given.country}' is no country's ISO code.`);
  }
  const dailyMicros = parsePrice(given.daily);
  if (dailyMicros === 0) throw invalidParameter("daily", "a cap must be more than nothing.");
  const { country, over = "refuse" } = given;
  await upsertCap(app.sql, { account: account.id, country, dailyMicros, over }, app.clock());
  await app.capBook.refresh();
  return list(app, account.id);
}
