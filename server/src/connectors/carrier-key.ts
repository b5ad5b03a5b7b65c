/**
 * The form of a carrier's message id under which its receipt is found: carriers write the same id
 * with other case and with or without leading zeros in the answer and in the receipt.
 */
export function carrierKey(carrierMessageId: string): string {
  const key = carrierMessageId.trim().toLowerCase().replace(/^0+/, "");
  return key === "" ? "0" : key;
}
