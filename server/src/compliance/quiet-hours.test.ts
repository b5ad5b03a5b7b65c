import { expect, test } from "vitest";
import { createQuietHours } from "./quiet-hours.ts";
import { isUsHoliday } from "./us-holidays.ts";

const quietHours = createQuietHours();
const opens = (recipient: string, now: string, country = "US") =>
  quietHours.opensAt(recipient, country, new Date(now))?.toISOString().slice(0, 16) ?? "now";

const denver = "+13035550123";
const newYork = "+12125550123";
const florida = "+13055550123";
const panhandle = "+18505550123";
const texas = "+12145550123";
const louisiana = "+15045550123";
const kentucky = "+12705550123";
const unknown = "+12335550123";

test.each([
  ["in the night waits until eight in the morning", denver, "2026-11-24T09:30", "2026-11-24T15:00"],
  ["at eight in the morning leaves", denver, "2026-11-24T15:00", "now"],
  ["a minute before nine in the evening leaves", newYork, "2026-11-25T01:59", "now"],
  ["at nine in the evening waits for the morning", newYork, "2026-11-25T02:00", "2026-11-25T13:00"],
  ["at eight in the evening waits in Florida", florida, "2026-11-25T01:00", "2026-11-25T13:00"],
  ["waits for the later of two zones", panhandle, "2026-11-24T13:30", "2026-11-24T14:00"],
  ["stops at the earlier of two zones", panhandle, "2026-11-25T01:00", "2026-11-25T14:00"],
  ["waits for noon on a Sunday in Texas", texas, "2026-11-22T16:00", "2026-11-22T18:00"],
  ["waits over Sunday in Louisiana", louisiana, "2026-11-22T16:00", "2026-11-23T14:00"],
  ["waits over a holiday in Louisiana", louisiana, "2026-11-26T16:00", "2026-11-27T14:00"],
  ["waits for ten in Kentucky's later zone", kentucky, "2026-11-24T15:30", "2026-11-24T16:00"],
  [
    "to an unknown area code waits for every state",
    unknown,
    "2026-11-24T15:00",
    "2026-11-24T18:00",
  ],
])("a marketing text %s", (_name, recipient, now, expected) => {
  expect(opens(recipient, `${now}:00Z`)).toBe(expected);
});

test("the clocks that are put back on a Sunday move the morning by an hour", () => {
  expect(opens(newYork, "2026-10-31T10:00:00Z")).toBe("2026-10-31T12:00");
  expect(opens(newYork, "2026-11-01T10:00:00Z")).toBe("2026-11-01T13:00");
});

test("other countries have no quiet hours here", () => {
  expect(opens("+14165550123", "2026-11-24T09:30:00Z", "CA")).toBe("now");
});

test("a table is right long after it was made", () => {
  expect(opens(newYork, "2026-11-24T09:00:00Z")).toBe("2026-11-24T13:00");
  expect(opens(newYork, "2027-07-24T09:00:00Z")).toBe("2027-07-24T12:00");
  expect(opens(newYork, "2026-11-24T09:00:00Z")).toBe("2026-11-24T13:00");
});

test.each([
  ["2026-11-26", true],
  ["2026-07-03", true],
  ["2026-07-04", true],
  ["2027-07-05", true],
  ["2026-05-25", true],
  ["2026-05-18", false],
  ["2026-01-19", true],
  ["2026-11-27", false],
])("whether %s is a federal holiday: %s", (date, isHoliday) => {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  expect(isUsHoliday(year, month, day)).toBe(isHoliday);
});
