/** What is summed apart: the rest are sums of these. */
export type Usage = {
  readonly direction: "inbound" | "outbound";
  /** Of our side of the text; a name counts as a long code. */
  readonly sender: "longcode" | "shortcode";
  readonly messages: bigint;
  readonly segments: bigint;
  readonly priceMicros: bigint;
};

/** A kind of text by Twilio's name. What it leaves open it sums. */
export type Category = {
  readonly name: string;
  readonly description: string;
  readonly direction?: Usage["direction"];
  readonly sender?: Usage["sender"];
};

export const TOTAL_PRICE = "totalprice";

export const categories: readonly Category[] = [
  { name: "sms", description: "Texts" },
  { name: "sms-inbound", description: "Texts received", direction: "inbound" },
  {
    name: "sms-inbound-longcode",
    description: "Texts received by phone numbers",
    ...{ direction: "inbound", sender: "longcode" },
  },
  {
    name: "sms-inbound-shortcode",
    description: "Texts received by short codes",
    ...{ direction: "inbound", sender: "shortcode" },
  },
  { name: "sms-outbound", description: "Texts sent", direction: "outbound" },
  {
    name: "sms-outbound-longcode",
    description: "Texts sent from phone numbers and names",
    ...{ direction: "outbound", sender: "longcode" },
  },
  {
    name: "sms-outbound-shortcode",
    description: "Texts sent from short codes",
    ...{ direction: "outbound", sender: "shortcode" },
  },
  { name: TOTAL_PRICE, description: "The price of everything" },
];

export function sumOf(category: Category, usages: readonly Usage[]) {
  const sum = { messages: 0n, segments: 0n, priceMicros: 0n };
  for (const usage of usages) {
    if (category.direction !== undefined && category.direction !== usage.direction) continue;
    if (category.sender !== undefined && category.sender !== usage.sender) continue;
    sum.messages += usage.messages;
    sum.segments += usage.segments;
    sum.priceMicros += usage.priceMicros;
  }
  return sum;
}
