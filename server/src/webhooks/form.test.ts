import { expect, test } from "vitest";
import { addParameter, addWord, emptyForm, formOf } from "./form.ts";

test.each([
  { From: "+14155552671", To: "12345", MessageStatus: "delivered" },
  { Body: "Grüße 🎉 & more=1\n", Empty: "", Plus: "1+1", Line: "a\n" },
  { Signs: "a.b-c_d*e~f'g(h)", Percent: "100%", Two: "++1", Lone: "\ud83c" },
])("a form is encoded as the URL standard says: %j", (form) => {
  expect(formOf(form).encoded).toBe(new URLSearchParams(form).toString());
});

test("a form whose parameters are added in the order of their names is the same as one of all of them", () => {
  const form = emptyForm();
  addWord(form, "ApiVersion", "2010-04-01");
  addParameter(form, "From", "+14155552671");
  addParameter(form, "To", "Grüße");
  const parameters = { To: "Grüße", From: "+14155552671", ApiVersion: "2010-04-01" };
  expect(form.signed).toBe(formOf(parameters).signed);
  expect(form.encoded).toBe("ApiVersion=2010-04-01&From=%2B14155552671&To=Gr%C3%BC%C3%9Fe");
});
