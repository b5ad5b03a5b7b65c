import { hmacBase64 } from "../lib/hmac.ts";
import type { Seal } from "../lib/seal.ts";

/** The headers of the Standard Webhooks specification, version 1; `id` is the same at every retry. */
export function standardWebhookHeaders(
  key: Buffer,
  webhook: { id: string; at: Date; body: string },
): Record<string, string> {
  const seconds = Math.floor(webhook.at.getTime() / 1000).toString();
  const signature = hmacBase64("sha256", key, `${webhook.id}.${seconds}.${webhook.body}`);
  return {
    "webhook-id": webhook.id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${signature}`,
  };
}

/** Of an account's Standard Webhooks signatures; the same at every start with the same secret key. */
export function webhookKeyOf(seal: Pick<Seal, "keyFor">, accountSid: string): Buffer {
  return seal.keyFor(`webhook:${accountSid}`);
}

/** The secret as the customer's verifying library takes it. */
export function webhookSecret(key: Buffer): string {
  return `whsec_${key.toString("base64")}`;
}
