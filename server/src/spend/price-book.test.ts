import { expect, test } from "vitest";
import { formatPrice, parsePrice } from "./price.ts";
import { pricesOf } from "./price-book.ts";

const line = (country: string, validFrom: string, micros: number, carrier = "") => ({
  ...{ connector: "carrier", country, carrier, micros, validFrom: new Date(validFrom) },
});
const prices = pricesOf([
  line("US", "2026-01-01", 7_900),
  line("US", "2026-08-01", 8_300),
  line("FR", "2026-01-01", 40_000, "Orange"),
  line("FR", "2026-01-01", 45_000, "Free"),
  line("FR", "2026-06-01", 30_000, "Free"),
  line("*", "2026-01-01", 100_000),
]);
const priceIn = (country: string | undefined, at: string, connector = "carrier") =>
  prices.perSegment({ connector, country }, new Date(at));

test.each([
  ["US", "2026-07-31T23:59:59Z", 7_900],
  ["US", "2026-08-01T00:00:00Z", 8_300],
  ["FR", "2026-03-01", 45_000],
  ["FR", "2026-07-01", 40_000],
  ["DE", "2026-07-01", 100_000],
  [undefined, "2026-07-01", 100_000],
  ["US", "2025-07-01", undefined],
])("a segment to %s at %s costs what the list of that day says", (country, at, micros) => {
  expect(priceIn(country, at)).toBe(micros);
});

test.each([
  ["its code", { code: "20801", name: "Orange" }, 41_000],
  ["its name", { code: "20899", name: "Orange" }, 40_000],
  ["every carrier's line", { code: "20815", name: "Free" }, 50_000],
])(
  "a segment to a phone of a known network costs what the list says for %s",
  (_, network, micros) => {
    const list = pricesOf([
      line("FR", "2026-01-01", 40_000, "Orange"),
      line("FR", "2026-01-01", 41_000, "20801"),
      line("FR", "2026-01-01", 50_000),
      line("FR", "2026-01-01", 90_000, "SFR"),
    ]);
    const to = { connector: "carrier", country: "FR", network };
    expect(list.perSegment(to, new Date("2026-07-01"))).toBe(micros);
    expect(list.perSegment({ ...to, network: undefined }, new Date("2026-07-01"))).toBe(90_000);
  },
);

test("a connector without a list has no price", () => {
  expect(priceIn("US", "2026-07-01", "other")).toBeUndefined();
});

test("a price is read and written to the millionth", () => {
  expect(parsePrice("0.0079")).toBe(7_900);
  expect(parsePrice("12")).toBe(12_000_000);
  expect(formatPrice(parsePrice("1.000001"))).toBe("1.000001");
});
