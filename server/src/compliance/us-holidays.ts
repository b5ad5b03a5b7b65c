/** The weekday of a date: 0 is Sunday. */
export function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

/** Whether a date is a federal holiday, or the weekday on which one that falls on a weekend is kept. */
export function isUsHoliday(year: number, month: number, day: number): boolean {
  if (isFederal(year, month, day)) return true;
  const weekday = weekdayOf(year, month, day);
  const neighbour = weekday === 5 ? 1 : weekday === 1 ? -1 : 0;
  if (neighbour === 0) return false;
  const other = new Date(Date.UTC(year, month - 1, day + neighbour));
  return isFixed(other.getUTCMonth() + 1, other.getUTCDate());
}

function isFederal(year: number, month: number, day: number): boolean {
  return isFixed(month, day) || isFloating(year, month, day);
}

/** New Year, Juneteenth, Independence Day, Veterans Day, Christmas. */
function isFixed(month: number, day: number): boolean {
  return ["1-1", "6-19", "7-4", "11-11", "12-25"].includes(`${month}-${day}`);
}

/** The third Monday of January and so on, by month: weekday and which of them; 5 is the last. */
const floating: Readonly<Record<number, { readonly weekday: number; readonly nth: number }>> = {
  1: { weekday: 1, nth: 3 },
  2: { weekday: 1, nth: 3 },
  5: { weekday: 1, nth: 5 },
  9: { weekday: 1, nth: 1 },
  10: { weekday: 1, nth: 2 },
  11: { weekday: 4, nth: 4 },
};

function isFloating(year: number, month: number, day: number): boolean {
  const rule = floating[month];
  if (rule === undefined || weekdayOf(year, month, day) !== rule.weekday) return false;
  if (rule.nth === 5) return day + 7 > new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Math.ceil(day / 7) === rule.nth;
}
