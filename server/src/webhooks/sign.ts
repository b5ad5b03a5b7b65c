import { createSigner, type Signer } from "../lib/hmac.ts";
import type { Seal } from "../lib/seal.ts";

/** The headers of the Standard Webhooks specification, version 1; `id` is the same at every retry. */
export function standardWebhookHeaders(
  sign: Signer,
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
) {
  const seconds = String(Math.floor(at.getTime() / 1000));
  return {
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${sign(`${id}.${seconds}.`, body)}`,
  };
}

/** What an account's calls are signed with: Twilio's signature and that of Standard Webhooks. */
export type Signers = { readonly twilio: Signer; readonly standard: Signer };

/** Made once for each account, and anew with a new token. */
export function createSigners(app: {
  readonly seal: Pick<Seal, "keyFor">;
  readonly accountSid: (account: number) => string;
  readonly accountToken: (account: number) => string;
}): (account: number) => Signers {
  const known = new Map<number, { readonly token: string; readonly signers: Signers }>();
  return (account) => {
    const token = app.accountToken(account);
    const entry = known.get(account);
    if (entry?.token === token) return entry.signers;
    const signers = {
      twilio: createSigner("sha1", Buffer.from(token)),
      standard: createSigner("sha256", webhookKeyOf(app.seal, app.accountSid(account))),
    };
    known.set(account, { token, signers });
    return signers;
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
