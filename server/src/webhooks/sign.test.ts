import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { createSigner } from "../lib/hmac.ts";
import { standardWebhookHeaders, webhookSecret } from "./sign.ts";

test("a Standard Webhooks library accepts the headers", () => {
  const key = Buffer.alloc(32, 7);
  const body = "MessageStatus=sent&To=%2B12025550123";
  const sign = createSigner("sha256", key);
  const headers = standardWebhookHeaders(sign, { id: "SM1-sent", at: new Date(), body });
  const verify = () => new Webhook(webhookSecret(key)).verify(body, headers);
  // It verifies first and then wants JSON, which a form is not.
  expect(verify).toThrow(SyntaxError);
});
