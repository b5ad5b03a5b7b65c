/**
 * The form of a carrier's message id under which its receipt is found: carriers write the same id
 * with other case and with or without leading zeros in the answer and in the receipt. No id stays
 * none, which no receipt has.
 */
export function carrierKey(carrierMessageId: string): string {
  const key = carrierMessageId.trim().toLowerCase();
  return key.startsWith("0") ? key.replace(/^0+(?=.)/, "") : key;
}
