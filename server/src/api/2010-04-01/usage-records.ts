import { DAY, utcDayAt } from "../../lib/clock.ts";
import { invalidParameter } from "../../lib/errors.ts";
import { CURRENCY, formatPrice } from "../../spend/price.ts";
import { type Category, categories, sumOf, TOTAL_PRICE, type Usage } from "../../usage/category.ts";
import { type Period, readCountedUntil, readUsage } from "../../usage/store.ts";
import type { ParameterTable } from "../form.ts";
import { isoDate } from "../iso-date.ts";
import type { ApiNeeds } from "../needs.ts";
import { pageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";

/** The first and the last day, by the milliseconds at which they begin. */
type Days = { readonly from: number; readonly until: number };
/** One of the lists of usage: how its days are cut, and which they are when it says so itself. */
type View = { readonly name: string; readonly period: Period; readonly days?: (now: Date) => Days };
/** A category in a time. */
type Line = Days & { readonly category: Category };

const views: readonly View[] = [
  { name: "", period: "all" },
  { name: "AllTime", period: "all" },
  { name: "Daily", period: "day" },
  { name: "Monthly", period: "month" },
  { name: "Yearly", period: "year" },
  { name: "Today", period: "all", days: (now) => dayBack(now, 0) },
  { name: "Yesterday", period: "all", days: (now) => dayBack(now, 1) },
  { name: "ThisMonth", period: "all", days: (now) => monthBack(now, 0) },
  { name: "LastMonth", period: "all", days: (now) => monthBack(now, 1) },
];

const range = { StartDate: "same", EndDate: "same" } satisfies ParameterTable;
const noRange = { StartDate: "ignored", EndDate: "ignored" } satisfies ParameterTable;

/** What the account sent and received, in sums that are kept as it happens. */
export const usageRecordRoutes: readonly Route[] = views.map((view) => ({
  method: "GET",
  path: `/2010-04-01/Accounts/:account/Usage/Records${view.name && `/${view.name}`}`,
  parameters: {
    Category: "different",
    ...(view.days === undefined ? range : noRange),
    ...{ IncludeSubaccounts: "same", ...pageParameters },
  },
  handle: (app, request) => list(app, request, view),
}));

async function list(app: ApiNeeds, request: ApiRequest, view: View): Promise<Answer> {
  const { account, form } = request;
  const asked = readPage(request);
  const name = form.text("Category") || undefined;
  const days = view.days?.(app.clock()) ?? readRange(app, request);
  const withSubaccounts = form.flag("IncludeSubaccounts") ?? true;
  const others = withSubaccounts ? app.accountBook.subaccountsOf(account.id) : [];
  const [usages, countedUntil] = await Promise.all([
    readUsage(app.sql, {
      accounts: [account, ...others].map(({ id }) => id),
      ...{ from: utcDayAt(days.from), until: utcDayAt(days.until), period: view.period },
    }),
    readCountedUntil(app.sql),
  ]);
  const wanted = categories.filter((one) => name === undefined || one.name === name);
  const asOf = isoDate(countedUntil ?? app.clock()).replace("Z", "+00:00");
  const usageFrom = (day: string) => usages.filter(({ start }) => start === day);
  const filters = ["Category", "StartDate", "EndDate", "IncludeSubaccounts"];
  return {
    status: 200,
    body: pageBody(request, asked, {
      ...{ key: "usage_records", filters },
      found: sliceAfter(linesOf(days, view.period, wanted), asked, isAfter),
      tokenOf,
      show: (line: Line) => showRecord(request, { line, asOf, usageFrom }),
    }),
  };
}

/** What is not said is the account's whole life; nothing is before it and after today. */
function readRange(app: ApiNeeds, { account, form }: ApiRequest): Days {
  const now = app.clock().getTime();
  const read = (name: "StartDate" | "EndDate") => {
    const text = form.text(name)?.trim() || undefined;
    if (text === undefined) return undefined;
    const [, back] = /^([+-]\d{1,5})days?$/.exec(text) ?? [];
    if (back !== undefined) return startOfDay(now) + Number(back) * DAY;
    const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at) && utcDayAt(at) === text) return at;
    throw invalidParameter(name, "write a date like 2026-11-24, or -30days.");
  };
  const first = startOfDay(account.createdAt.getTime());
  return {
    from: Math.max(read("StartDate") ?? first, first),
    until: Math.min(read("EndDate") ?? now, startOfDay(now)),
  };
}

function dayBack(now: Date, back: number): Days {
  const day = startOfDay(now.getTime()) - back * DAY;
  return { from: day, until: day };
}

function monthBack(now: Date, back: number): Days {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth() - back];
  return { from: Date.UTC(year, month, 1), until: Date.UTC(year, month + 1, 0) };
}

function startOfDay(ms: number): number {
  return ms - (ms % DAY);
}

/** The newest time first, in each the categories in their order. */
function linesOf(days: Days, period: Period, wanted: readonly Category[]): Line[] {
  return timesOf(days, period)
    .reverse()
    .flatMap((time) => wanted.map((category) => ({ ...time, category })));
}

/** The days cut into periods; the first and the last may be cut short. */
function timesOf({ from, until }: Days, period: Period): Days[] {
  const times: Days[] = [];
  for (let start = from; start <= until; ) {
    const end = Math.min(lastDayOf(new Date(start), period), until);
    times.push({ from: start, until: end });
    start = end + DAY;
  }
  return times;
}

function lastDayOf(day: Date, period: Period): number {
  switch (period) {
    case "day":
      return day.getTime();
    case "month":
      return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0);
    case "year":
      return Date.UTC(day.getUTCFullYear(), 11, 31);
    case "all":
      return Number.POSITIVE_INFINITY;
  }
}

/** The day and the place of the category: `20261124x4`. */
function tokenOf({ from, category }: Line): string {
  return `${utcDayAt(from).replaceAll("-", "")}x${categories.indexOf(category)}`;
}

function isAfter(line: Line, token: string): boolean {
  const [day = "", place = ""] = token.split("x");
  const [ownDay = "", ownPlace = ""] = tokenOf(line).split("x");
  return ownDay < day || (ownDay === day && Number(ownPlace) > Number(place));
}

function showRecord(
  { account }: ApiRequest,
  of: {
    readonly line: Line;
    readonly asOf: string;
    readonly usageFrom: (day: string) => readonly Usage[];
  },
): object {
  const { category } = of.line;
  const [from, until] = [utcDayAt(of.line.from), utcDayAt(of.line.until)];
  const { messages, segments, priceMicros } = sumOf(category, of.usageFrom(from));
  const price = formatPrice(Number(priceMicros));
  const home = `/2010-04-01/Accounts/${account.sid}/Usage/Records`;
  const unit = CURRENCY.toLowerCase();
  const amounts =
    category.name === TOTAL_PRICE
      ? { count: null, count_unit: "", usage: price, usage_unit: unit }
      : {
          ...{ count: String(messages), count_unit: "messages" },
          ...{ usage: String(segments), usage_unit: "segments" },
        };
  const query = `Category=${category.name}`;
  return {
    ...{ account_sid: account.sid, api_version: "2010-04-01", as_of: of.asOf },
    ...{ category: category.name, description: category.description },
    ...{ start_date: from, end_date: until, ...amounts, price, price_unit: unit },
    uri: `${home}.json?${query}&StartDate=${from}&EndDate=${until}`,
    subresource_uris: Object.fromEntries(
      views
        .filter(({ name }) => name !== "")
        .map(({ name }) => [
          name.replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase(),
          `${home}/${name}.json?${query}`,
        ]),
    ),
  };
}
