import { createHmac, type KeyObject } from "node:crypto";
import type { Seal } from "../lib/seal.ts";

/**
 * X-Twilio-Signature: base64 of HMAC-SHA1 over the URL as configured, without fragment, and the
 * form's parameters sorted by name. A GET is signed with no parameters: they are in its URL.
 */
export function twilioSignature(
  authToken: string,
  url: string,
  form: Readonly<Record<string, string>>,
): string {
  let signed = url;
  for (const name of Object.keys(form).sort()) signed += name + form[name];
  return createHmac("sha1", authToken).update(signed, "utf8").digest("base64");
}

/** The headers of the Standard Webhooks specification, version 1; `id` is the same at every retry. */
export function standardWebhookHeaders(
  key: Buffer | KeyObject,
  webhook: { id: string; at: Date; body: string },
): Record<string, string> {
  const seconds = Math.floor(webhook.at.getTime() / 1000).toString();
  const signature = createHmac("sha256", key)
    .update(`${webhook.id}.${seconds}.${webhook.body}`, "utf8")
    .digest("base64");
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
