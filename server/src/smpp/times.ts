/** YYMMDDhhmmsstnnp in UTC (SMPP 3.4, section 7.1.1). */
export function absoluteTime(at: Date): string {
  const second = Math.floor(at.getTime() / 1_000);
  if (second !== last.second) {
    last = { second, text: `${at.toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}000+` };
  }
  return last.text;
}

/** Many messages end in the same second. */
let last = { second: Number.NaN, text: "" };

const MONTH_SECONDS = 30 * 86_400;
const RELATIVE_SECONDS_MAX = 12 * MONTH_SECONDS;

/** From now on, in days and less, which mean the same everywhere (section 7.1.1.2): 7 days is `000007000000000R`. */
export function relativeTime(seconds: number): string {
  const whole = Math.min(RELATIVE_SECONDS_MAX, Math.ceil(seconds));
  const parts = [
    ...[0, Math.floor(whole / MONTH_SECONDS), Math.floor((whole % MONTH_SECONDS) / 86_400)],
    ...[Math.floor((whole % 86_400) / 3_600), Math.floor((whole % 3_600) / 60), whole % 60],
  ];
  return `${parts.map((part) => String(part).padStart(2, "0")).join("")}000R`;
}

/** Either form as an instant; nothing for an empty or a wrong one. */
export function readTime(text: string, now: Date): Date | undefined {
  const found = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])$/.exec(text);
  if (found === null) return undefined;
  const [
    years = 0,
    months = 0,
    days = 0,
    hours = 0,
    minutes = 0,
    seconds = 0,
    tenths = 0,
    quarters = 0,
  ] = found.slice(1, 9).map(Number);
  if (found[9] === "R") {
    const at = new Date(now);
    at.setUTCFullYear(
      at.getUTCFullYear() + years,
      at.getUTCMonth() + months,
      at.getUTCDate() + days,
    );
    return new Date(at.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + tenths * 100);
  }
  const offsetMinutes = quarters * 15 * (found[9] === "-" ? -1 : 1);
  const local = Date.UTC(2000 + years, months - 1, days, hours, minutes, seconds, tenths * 100);
  return new Date(local - offsetMinutes * 60_000);
}
