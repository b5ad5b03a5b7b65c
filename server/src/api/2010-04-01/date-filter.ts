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

/** A year that PostgreSQL and the message ids can hold. */
const EARLIEST_MS = Date.UTC(1970, 0, 1);
const LATEST_MS = Date.UTC(9_000, 0, 1);

function readInstant(
  request: ApiRequest,
  name: "DateSent" | "DateSent>" | "DateSent<",
): { readonly at: number; readonly isDay: boolean } | undefined {
  const text = request.form.text(name)?.trim() || undefined;
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const at = Date.parse(hasZone(text) || isDay ? text : `${text} UTC`);
  if (text.length <= 40 && at >= EARLIEST_MS && at <= LATEST_MS) return { at, isDay };
  throw invalidParameter(name, "write a date like 2026-11-24 or 2026-11-24T09:30:00Z.");
}

/** Without a zone a time is in UTC. */
function hasZone(text: string): boolean {
  return /(z|[a-z]{3}|[+-]\d{2}:?\d{2})$/i.test(text);
}
