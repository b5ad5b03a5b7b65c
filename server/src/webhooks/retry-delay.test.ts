import { expect, test } from "vitest";
import { HOUR, MINUTE, SECOND } from "../lib/clock.ts";
import { parseRetryAfter, retryDelayMs } from "./retry-delay.ts";

test("the schedule is the one of Standard Webhooks and ends after the tenth attempt", () => {
  const delays = Array.from({ length: 10 }, (_, index) => retryDelayMs(index + 1, 0.5));
  const hours = [2, 5, 10, 14, 20, 24].map((count) => count * HOUR);
  expect(delays).toEqual([5 * SECOND, 5 * MINUTE, 30 * MINUTE, ...hours, undefined]);
});

test("a delay varies by a fifth", () => {
  expect(retryDelayMs(1, 0)).toBe(4 * SECOND);
  expect(retryDelayMs(1, 1)).toBe(6 * SECOND);
});

test("a host's Retry-After lengthens a delay, up to a day", () => {
  expect(retryDelayMs(1, 0.5, MINUTE)).toBe(MINUTE);
  expect(retryDelayMs(1, 0.5, 100 * HOUR)).toBe(24 * HOUR);
});

test("Retry-After is read in seconds and as a date", () => {
  const now = new Date("2026-11-24T10:00:00Z");
  expect(parseRetryAfter("120", now)).toBe(2 * MINUTE);
  expect(parseRetryAfter("Tue, 24 Nov 2026 10:01:00 GMT", now)).toBe(MINUTE);
  expect(parseRetryAfter("soon", now)).toBe(0);
});
