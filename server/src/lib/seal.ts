import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Encrypts secrets at rest (AES-256-GCM) and derives the keys of other uses from one secret. */
export type Seal = {
  seal: (plain: string) => Buffer;
  /** Throws when the bytes were sealed under another key or changed since. */
  open: (sealed: Uint8Array) => string;
  /** 32 bytes for one named use, so that no key serves two. */
  keyFor: (use: string) => Buffer;
};

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function createSeal(secretKey: Buffer): Seal {
  const keyFor = (use: string) =>
    Buffer.from(hkdfSync("sha256", secretKey, "longwave", use, 32) as ArrayBuffer);
  const key = keyFor("seal");
  return {
    keyFor,
    seal: (plain) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    open: (sealed) => {
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV_BYTES));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const body = sealed.subarray(IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    },
  };
}
