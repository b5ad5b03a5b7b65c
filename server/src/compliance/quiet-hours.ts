import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DAY } from "../lib/clock.ts";
import { instantOf, localMs, parseTime } from "../lib/local-time.ts";
import { isUsHoliday, weekdayOf } from "./us-holidays.ts";

/** When marketing texts may reach phones in the United States. */
export type QuietHours = {
  /** When a text to this number may leave; nothing: now, or there are no quiet hours there. */
  readonly opensAt: (recipient: string, country: string | undefined, now: Date) => Date | undefined;
};

/** Instants in milliseconds, from the first up to before the second; in order, apart. */
type Span = readonly [from: number, to: number];
type DayWindows = Readonly<Record<"weekdays" | "saturday" | "sunday" | "holidays", string | null>>;
type Rules = {
  readonly default: DayWindows;
  readonly states: Readonly<Record<string, DayWindows>>;
};
type Areas = {
  readonly states: Readonly<
    Record<
      string,
      readonly { readonly zones: readonly string[]; readonly codes: readonly string[] }[]
    >
  >;
};

/** The zones and windows that a phone may be under, all of which must be open. */
type Area = { readonly name: string; readonly places: readonly Place[] };
type Place = { readonly zone: string; readonly windows: DayWindows };

const countries: ReadonlySet<string> = new Set(["US", "PR", "VI", "GU", "MP", "AS"]);
/** Each has area codes of its own, so an unknown area code is in none of them. */
const islands: ReadonlySet<string> = new Set(["PR", "VI", "GU", "MP", "AS"]);
/** Longer than the longest run of days without a window, and than any validity. */
const DAYS_AHEAD = 10;
/** A table of spans is made anew when it is so old, or the clock so far behind it. */
const SPANS_LIFE_MS = 1 * DAY;

/**
 * An area code tells only where its first holder lived, so a text leaves when all the zones and
 * states that it may stand for are open. The spans of an area are made once a day; a message
 * costs a look-up.
 */
export function createQuietHours(): QuietHours {
  const areas = readAreas();
  const unknown = allAreas(areas);
  const made = new Map<string, { readonly at: number; readonly spans: readonly Span[] }>();

  const spansOf = (area: Area, now: number): readonly Span[] => {
    const known = made.get(area.name);
    if (known !== undefined && Math.abs(now - known.at) < SPANS_LIFE_MS) return known.spans;
    const spans = area.places.map((place) => spansAt(place, now)).reduce(intersect);
    made.set(area.name, { at: now, spans });
    return spans;
  };

  return {
    opensAt: (recipient, country, now) => {
      if (country === undefined || !countries.has(country)) return undefined;
      const at = now.getTime();
      const spans = spansOf(areas.get(recipient.slice(2, 5)) ?? unknown, at);
      const next = spans.find(([, to]) => to > at);
      // None within ten days: no message is valid for so long.
      if (next === undefined) return new Date(at + DAYS_AHEAD * DAY);
      return next[0] <= at ? undefined : new Date(next[0]);
    },
  };
}

function readAreas(): Map<string, Area> {
  const rules = readData("us-quiet-hours.json") as Rules; // our own file
  const { states } = readData("us-area-codes.json") as Areas;
  const areas = new Map<string, Area>();
  for (const [state, groups] of Object.entries(states)) {
    const windows = rules.states[state] ?? rules.default;
    for (const { zones, codes } of groups) {
      const places = zones.map((zone) => ({ zone, windows }));
      const area = { name: `${state} ${zones.join(" ")}`, places };
      for (const code of codes) areas.set(code, area);
    }
  }
  return areas;
}

/** What an area code that is in no list may stand for: every state. */
function allAreas(areas: ReadonlyMap<string, Area>): Area {
  const mainland = [...areas.values()].filter(({ name }) => !islands.has(name.slice(0, 2)));
  const places = mainland.flatMap((area) => area.places);
  const nameOf = ({ zone, windows }: Place) => `${zone} ${JSON.stringify(windows)}`;
  return {
    name: "unknown",
    places: [...new Map(places.map((one) => [nameOf(one), one])).values()],
  };
}

function readData(file: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../data", file), "utf8"));
}

/** The open spans of a place, from two days before on: a clock may be set back. */
function spansAt({ zone, windows }: Place, now: number): Span[] {
  const today = Math.floor(localMs(zone, now) / DAY) * DAY;
  const spans: Span[] = [];
  for (let day = -2; day <= DAYS_AHEAD; day += 1) {
    const midnight = today + day * DAY;
    const window = windowOn(windows, new Date(midnight));
    if (window === undefined) continue;
    spans.push([instantOf(zone, midnight + window[0]), instantOf(zone, midnight + window[1])]);
  }
  return spans;
}

/** Since midnight; on a holiday both the day's window and the holidays' must be open. */
function windowOn(windows: DayWindows, date: Date): Span | undefined {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const weekday = weekdayOf(year, month, day);
  const ofDay = parseWindow(
    windows[weekday === 0 ? "sunday" : weekday === 6 ? "saturday" : "weekdays"],
  );
  const spans = isUsHoliday(year, month, day)
    ? intersect(ofDay, parseWindow(windows.holidays))
    : ofDay;
  return spans[0];
}

function parseWindow(text: string | null): Span[] {
  const [from, to] = text?.split("-") ?? [];
  return from === undefined || to === undefined ? [] : [[parseTime(from), parseTime(to)]];
}

function intersect(some: readonly Span[], others: readonly Span[]): Span[] {
  return some.flatMap(([from, to]) =>
    others
      .map((other): Span => [Math.max(from, other[0]), Math.min(to, other[1])])
      .filter((span) => span[0] < span[1]),
  );
}
