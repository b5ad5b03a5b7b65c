import { hash } from "node:crypto";

/** Both work in blocks of 64 bytes. */
export type HmacDigest = "sha1" | "sha256";

/** Signs a text that is given in one or two parts; the signature is in base64. */
export type Signer = (start: string, rest?: string) => string;

const BLOCK_BYTES = 64;
const digestBytes: Readonly<Record<HmacDigest, number>> = { sha1: 20, sha256: 32 };
/** A webhook with a text of 1,600 characters is signed within it; what is longer gets bytes of its own. */
const SCRATCH_BYTES = 8 * 1024;
const UTF8_BYTES_MAX = 3;
const scratch = Buffer.alloc(SCRATCH_BYTES);

/**
 * HMAC (RFC 2104 section 2) of texts in UTF-8 with one key. `createHmac` of node:crypto makes an object that the
 * garbage collector has to take down, and looks up its digest each time: more than a short text's hashing.
 */
export function createSigner(digest: HmacDigest, key: Buffer): Signer {
  const block = key.length > BLOCK_BYTES ? hash(digest, key, "buffer") : key;
  const innerPad = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + digestBytes[digest], 0x5c);
  for (const [at, byte] of block.entries()) {
    innerPad[at] = 0x36 ^ byte;
    outer[at] = 0x5c ^ byte;
  }
  return (start, rest = "") => {
    const bytesMax = BLOCK_BYTES + UTF8_BYTES_MAX * (start.length + rest.length);
    const inner = bytesMax <= SCRATCH_BYTES ? scratch : Buffer.alloc(bytesMax);
    inner.set(innerPad);
    let end = BLOCK_BYTES + inner.write(start, BLOCK_BYTES, "utf8");
    if (rest !== "") end += inner.write(rest, end, "utf8");
    outer.write(hash(digest, inner.subarray(0, end), "binary"), BLOCK_BYTES, "latin1");
    return hash(digest, outer, "base64");
  };
}
