import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSigner } from "./hmac.ts";

const ofNode = (digest: string, key: Buffer, text: string) =>
  createHmac(digest, key).update(text, "utf8").digest("base64");

test.each([0, 1, 32, 63, 64, 65, 200])("an HMAC with a key of %d bytes is Node's", (length) => {
  const key = Buffer.from(Array.from({ length }, (_none, index) => 255 - index));
  for (const text of ["", "a", "Grüße 🎉", "lone \ud83c", "€".repeat(3_000), "x".repeat(9_000)]) {
    expect(createSigner("sha1", key)(text)).toBe(ofNode("sha1", key, text));
    expect(createSigner("sha256", key)(text)).toBe(ofNode("sha256", key, text));
  }
});

test("an HMAC is Node's for any key and any two parts, one after the other", () => {
  const parts = fc.string({ unit: "binary" });
  const keys = fc.uint8Array({ maxLength: 150 });
  const digests = fc.constantFrom("sha1" as const, "sha256" as const);
  void fc.assert(
    fc.property(digests, keys, parts, parts, (digest, bytes, start, rest) => {
      const key = Buffer.from(bytes);
      const sign = createSigner(digest, key);
      expect(sign(start)).toBe(ofNode(digest, key, start));
      expect(sign(start, rest)).toBe(ofNode(digest, key, start + rest));
    }),
  );
});
