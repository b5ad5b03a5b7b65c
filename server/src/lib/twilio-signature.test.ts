import twilio from "twilio";
import { expect, test } from "vitest";
import { twilioSignature } from "./twilio-signature.ts";

const token = "0123456789abcdef0123456789abcdef";

test.each([
  "https://shop.example/status",
  "https://shop.example:8443/status?a=1&b=%20",
  "http://user:secret@shop.example/ö",
])("Twilio's validator accepts the signature for %s", (url) => {
  const form = { MessageSid: "SM1", Body: "Grüße 🎉", Empty: "" };
  expect(twilio.validateRequest(token, twilioSignature(token, url, form), url, form)).toBe(true);
});
