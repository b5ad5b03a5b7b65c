import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { MINUTE, SECOND } from "../../lib/clock.ts";
import { twilioSignature } from "../../lib/twilio-signature.ts";
import type { CarrierCall } from "../connector.ts";
import { parseJson } from "./answers.ts";
import type { Signature } from "./definition.ts";
import { fillText } from "./template.ts";

/** A call that is older was caught and is played again. */
const AGE_MAX_MS = 5 * MINUTE;

/** Whether a call comes from the provider, as far as it can be known. */
export function isSigned(
  signature: Signature,
  call: CarrierCall,
  of: { readonly settings: Readonly<Record<string, string>>; readonly now: Date },
): boolean {
  const key = String(fillText(signature.key, of) ?? "");
  if (key === "") return false;
  switch (signature.scheme) {
    case "twilio":
      return isSignedByTwilio(key, call);
    case "ed25519": {
      const timestamp = call.headers[signature.timestampHeader] ?? "";
      const signed = Buffer.from(`${timestamp}|${call.body}`, "utf8");
      const given = Buffer.from(call.headers[signature.header] ?? "", "base64");
      return isRecent(Number(timestamp), of.now) && isSignedByEd25519(key, signed, given);
    }
    case "hmac": {
      const { algorithm, encoding } = signature;
      const expected = createHmac(algorithm, key).update(call.body, "utf8").digest(encoding);
      return isSame(expected, call.headers[signature.header] ?? "");
    }
    case "jwt":
      return isSignedByJwt(key, call, of.now);
    case "token":
      return isSame(key, new URL(call.url).searchParams.get(signature.parameter) ?? "");
  }
}

function isSignedByTwilio(key: string, call: CarrierCall): boolean {
  const form = call.method === "POST" ? Object.fromEntries(new URLSearchParams(call.body)) : {};
  return isSame(twilioSignature(key, call.url, form), call.headers["x-twilio-signature"] ?? "");
}

function isSignedByEd25519(key: string, signed: Buffer, given: Buffer): boolean {
  const x = Buffer.from(key, "base64").toString("base64url");
  try {
    const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return verify(null, signed, publicKey, given);
  } catch {
    // No key of 32 bytes: nothing can be signed with it.
    return false;
  }
}

function isSignedByJwt(key: string, { headers, body }: CarrierCall, now: Date): boolean {
  const token = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(headers.authorization ?? "");
  if (token === null) return false;
  const [, header = "", claims = "", given = ""] = token;
  const expected = createHmac("sha256", key).update(`${header}.${claims}`).digest("base64url");
  const { alg } = decode(header);
  const { iat, payload_hash: hash } = decode(claims);
  const isBody = createHash("sha256").update(body, "utf8").digest("hex") === hash;
  return alg === "HS256" && isSame(expected, given) && isBody && isRecent(Number(iat), now);
}

function decode(part: string): Record<string, unknown> {
  return (parseJson(Buffer.from(part, "base64url").toString("utf8")) ?? {}) as Record<
    string,
    unknown
  >;
}

function isRecent(seconds: number, now: Date): boolean {
  return Math.abs(now.getTime() - seconds * SECOND) <= AGE_MAX_MS;
}

/** In a time that does not tell how much of it is right. */
function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected, "utf8"), Buffer.from(given, "utf8")];
  return one.length === other.length && timingSafeEqual(one, other);
}
