/** A line of a price list: what one segment costs from an instant on, until a later line says otherwise. */
export type Price = {
  readonly connector: string;
  /** ISO 3166-1 alpha-2; `*` is every country that has no line of its own. */
  readonly country: string;
  /** As the list of the carrier names it; empty: every carrier of the country. */
  readonly carrier: string;
  readonly validFrom: Date;
  /** Millionths of a dollar. */
  readonly micros: number;
};

/** All prices are in this currency. */
export const CURRENCY = "USD";
/** 9,999 dollars a segment: what the text of a price can say. */
export const pricePattern = "^\\d{1,4}(\\.\\d{1,6})?$";

/** `0.0079` as millionths. */
export function parsePrice(text: string): number {
  const [units = "0", fraction = ""] = text.split(".");
  return Number(units) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}

/** In six digits after the point. */
export function formatPrice(micros: number): string {
  return (micros / 1_000_000).toFixed(6);
}
