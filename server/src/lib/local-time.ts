import { DAY, MINUTE, SECOND } from "./clock.ts";

/** The local date and time of an instant in a time zone, as if it were UTC: milliseconds. */
export function localMs(zone: string, at: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The instant at which a zone's clocks show a local time, given as if it were UTC. */
export function instantOf(zone: string, local: number): number {
  const guess = local - offsetMs(zone, local);
  // The offset there may be another one, when the clocks were put forward or back in between.
  return local - offsetMs(zone, guess);
}

/** The next midnight of a zone's clocks, after the instant. */
export function endOfDay(zone: string, at: number): number {
  return instantOf(zone, (Math.floor(localMs(zone, at) / DAY) + 1) * DAY);
}

function offsetMs(zone: string, at: number): number {
  return localMs(zone, at) - Math.floor(at / SECOND) * SECOND;
}

/** `HH:MM` as milliseconds since midnight. */
export function parseTime(text: string): number {
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  return (hours * 60 + minutes) * MINUTE;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    ...({ timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric" } as const),
    ...({ day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const),
  });
  formatters.set(zone, made);
  return made;
}
