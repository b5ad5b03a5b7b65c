import { Webhook } from "standardwebhooks";
import twilio from "twilio";
import { expect, test } from "vitest";
import { standardWebhookHeaders, twilioSignature, webhookSecret } from "./sign.ts";

const token = "0123456789abcdef0123456789abcdef";

test.each([
  "https://shop.example/status",
  "https://shop.example:8443/status?a=1&b=%20",
  "http://user:secret@shop.example/ö",
])("Twilio's validator accepts the signature for %s", (url) => {
  const form = { MessageSid: "SM1", Body: "Grüße 🎉", Empty: "" };
  expect(twilio.validateRequest(token, twilioSignature(token, url, form), url, form)).toBe(true);
});

test("a Standard Webhooks library accepts the headers", () => {
  const key = Buffer.alloc(32, 7);
  const body = "MessageStatus=sent&To=%2B12025550123";
  const headers = standardWebhookHeaders(key, { id: "SM1-sent", at: new Date(), body });
  const verify = () => new Webhook(webhookSecret(key)).verify(body, headers);
  // It verifies first and then wants JSON, which a form is not.
  expect(verify).toThrow(SyntaxError);
});
