import { hash } from "node:crypto";

/** Both work in blocks of 64 bytes. */
export type HmacDigest = "sha1" | "sha256";

const BLOCK_BYTES = 64;
const DIGEST_BYTES_MAX = 32;
/** A webhook with a text of 1,600 characters is signed within it; what is longer gets bytes of its own. */
const SCRATCH_BYTES = 8 * 1024;
const UTF8_BYTES_MAX = 3;
const scratch = Buffer.alloc(SCRATCH_BYTES);
const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES_MAX);

/**
 * HMAC (RFC 2104 section 2) of a text in UTF-8, in base64. `createHmac` of node:crypto makes an object that the
 * garbage collector has to take down, and looks up its digest each time: more than a short text's hashing.
 */
export function hmacBase64(digest: HmacDigest, key: Buffer, text: string): string {
  const bytesMax = BLOCK_BYTES + UTF8_BYTES_MAX * text.length;
  const inner = bytesMax <= SCRATCH_BYTES ? scratch : Buffer.alloc(bytesMax);
  const block = key.length > BLOCK_BYTES ? hash(digest, key, "buffer") : key;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const byte = at < block.length ? (block[at] as number) : 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES, "utf8");
  const innerDigest = hash(digest, inner.subarray(0, end), "binary");
  const outerEnd = BLOCK_BYTES + outer.write(innerDigest, BLOCK_BYTES, "latin1");
  return hash(digest, outer.subarray(0, outerEnd), "base64");
}
