import { DAY } from "../../lib/clock.ts";
import { invalidParameter } from "../../lib/errors.ts";
import type { MessageFilter } from "../needs.ts";
import type { ApiRequest } from "../route.ts";

/** DateSent, `DateSent>` and `DateSent<`, each a day or an instant; all bounds are meant inclusive. */
export function readDateFilter(
  request: ApiRequest,
): Pick<MessageFilter, "sentAfter" | "sentBefore"> {
  const on = readInstant(request, "DateSent");
  const from = readInstant(request, "DateSent>");
  const until = readInstant(request, "DateSent<");
  const starts = [on?.at, from?.at].filter((at) => at !== undefined);
  const ends = [
    on && on.at + (on.isDay ? DAY : 1_000),
    // Up to an instant, and that one, too: times are exact to the millisecond.
    until && until.at + 1,
  ].filter((at) => at !== undefined);
  return {
    ...(starts.length > 0 ? { sentAfter: new Date(Math.max(...starts)) } : {}),
    ...(ends.length > 0 ? { sentBefore: new Date(Math.min(...ends)) } : {}),
  };
}

/** Message ids end in 2093; a bound beyond them means the same. */
const EARLIEST_MS = Date.UTC(1970, 0, 1);
const LATEST_MS = Date.UTC(2093, 0, 1);
const LENGTH_MAX = 40;

/** `2026-11-24`, `2026-11-24 09:30:00.000`, `11/24/2026 …`, `Tue, 24 Nov 2026 …`: as Twilio's examples. */
const forms = [
  /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$/i,
  /^\d{1,2}\/\d{1,2}\/\d{4}( .*)?$/,
  /^([a-z]{3}, )?\d{1,2} [a-z]{3} \d{4}( .*)?$/i,
];

function readInstant(
  request: ApiRequest,
  name: "DateSent" | "DateSent>" | "DateSent<",
): { readonly at: number; readonly isDay: boolean } | undefined {
  const text = request.form.text(name)?.trim() || undefined;
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isDate = text.length <= LENGTH_MAX && forms.some((form) => form.test(text));
  const at = Date.parse(hasZone(text) || isDay ? text : `${text} UTC`);
  if (!isDate || Number.isNaN(at) || !isDayOfCalendar(text)) {
    throw invalidParameter(name, "write a date like 2026-11-24 or 2026-11-24T09:30:00Z.");
  }
  return { at: Math.min(Math.max(at, EARLIEST_MS), LATEST_MS), isDay };
}

/** Without a zone a time is in UTC. */
function hasZone(text: string): boolean {
  return /(z|[a-z]{3}|[+-]\d{2}:?\d{2})$/i.test(text);
}

/** The 30th of February would else be the 2nd of March. */
function isDayOfCalendar(text: string): boolean {
  const [day] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  return day === undefined || new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) === day;
}
