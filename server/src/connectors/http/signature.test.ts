import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { twilioSignature } from "../../lib/twilio-signature.ts";
import type { CarrierCall } from "../connector.ts";
import type { Signature } from "./definition.ts";
import { isSigned } from "./signature.ts";

const now = new Date("2026-11-24T12:00:00Z");
const seconds = now.getTime() / 1000;
const url = "https://sms.example/connectors/carrier/status";
const key = "{settings.key}";
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");

type Case = {
  readonly signature: Signature;
  readonly secret: string;
  readonly call: (body: string, at?: number) => CarrierCall;
};

const calledWith = (body: string, headers: Record<string, string>, at = url): CarrierCall => ({
  ...{ method: "POST", about: "status", url: at, headers, body },
});
const encode = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");

const cases: Record<string, Case> = {
  twilio: {
    signature: { scheme: "twilio", key },
    secret: "token",
    call: (body) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      return calledWith(body, { "x-twilio-signature": twilioSignature("token", url, form) });
    },
  },
  ed25519: {
    signature: { scheme: "ed25519", header: "sig", timestampHeader: "at", key },
    secret: raw.toString("base64"),
    call: (body, at = seconds) => {
      const signed = sign(null, Buffer.from(`${at}|${body}`), privateKey).toString("base64");
      return calledWith(body, { at: String(at), sig: signed });
    },
  },
  hmac: {
    signature: { scheme: "hmac", header: "sig", algorithm: "sha256", encoding: "hex", key },
    secret: "secret",
    call: (body) =>
      calledWith(body, { sig: createHmac("sha256", "secret").update(body).digest("hex") }),
  },
  jwt: {
    signature: { scheme: "jwt", key },
    secret: "secret",
    call: (body, at = seconds) => {
      const hash = createHash("sha256").update(body).digest("hex");
      const signed = `${encode({ alg: "HS256" })}.${encode({ iat: at, payload_hash: hash })}`;
      const mac = createHmac("sha256", "secret").update(signed).digest("base64url");
      return calledWith(body, { authorization: `Bearer ${signed}.${mac}` });
    },
  },
  token: {
    signature: { scheme: "token", parameter: "token", key },
    secret: "secret",
    call: (body) => calledWith(body, {}, `${url}?token=secret`),
  },
};

describe.each(Object.entries(cases))(
  "a call signed by %s",
  (scheme, { signature, secret, call }) => {
    const check = (of: CarrierCall, settings: Record<string, string> = { key: secret }) =>
      isSigned(signature, of, { settings, now });

    test("is known", () => {
      expect(check(call("Status=sent"))).toBe(true);
    });

    test("is refused without its signature, under another key, and without a key", () => {
      expect(check({ ...call("Status=sent"), headers: {}, url })).toBe(false);
      expect(check(call("Status=sent"), { key: Buffer.alloc(32, 9).toString("base64") })).toBe(
        false,
      );
      expect(check(call("Status=sent"), {})).toBe(false);
    });

    if (scheme === "token") return;
    test("is refused when its body is another", () => {
      expect(check({ ...call("Status=sent"), body: "Status=delivered" })).toBe(false);
    });

    if (!["ed25519", "jwt"].includes(scheme)) return;
    test("is refused when it is played again later", () => {
      expect(check(call("Status=sent", seconds - 200))).toBe(true);
      expect(check(call("Status=sent", seconds - 400))).toBe(false);
    });
  },
);

test("a token without an algorithm is none", () => {
  const body = "Status=sent";
  const hash = createHash("sha256").update(body).digest("hex");
  const unsigned = `${encode({ alg: "none" })}.${encode({ iat: seconds, payload_hash: hash })}`;
  const headers = { authorization: `Bearer ${unsigned}.x` };
  const of = { settings: { key: "secret" }, now };
  expect(isSigned({ scheme: "jwt", key }, calledWith(body, headers), of)).toBe(false);
});
