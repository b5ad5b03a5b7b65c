import { expect, test } from "vitest";
import { encodeForm } from "./call.ts";

test.each([
  { From: "+14155552671", To: "12345", MessageStatus: "delivered" },
  { Body: "Grüße 🎉 & more=1\n", Empty: "", Plus: "1+1", Line: "a\n" },
  { Signs: "a.b-c_d*e~f'g(h)", Percent: "100%", Two: "++1", Lone: "\ud83c" },
])("a form is encoded as the URL standard says: %j", (form) => {
  expect(encodeForm(form)).toBe(new URLSearchParams(form).toString());
});
