import { signedParameters } from "../lib/twilio-signature.ts";

/** A form as it is sent, and its parameters as Twilio signs them. */
export type Form = { encoded: string; signed: string };

export function formOf(parameters: Readonly<Record<string, string>>): Form {
  const form = emptyForm();
  for (const name in parameters) addParameter(form, name, parameters[name] ?? "");
  return { encoded: form.encoded, signed: signedParameters(parameters) };
}

/** Parameters are added to it in the order of their names: so they are signed. */
export function emptyForm(): Form {
  return { encoded: "", signed: "" };
}

/** Encodes as URLSearchParams does it, which is slow: most values need no escape beyond a number's plus. */
export function addParameter(form: Form, name: string, value: string): void {
  if (/^\+?[\w.*-]*$/.test(value)) {
    addEncoded(form, name, value.startsWith("+") ? `%2B${value.slice(1)}` : value);
  } else addEncoded(form, name, new URLSearchParams([["", value]]).toString().slice(1));
  form.signed += name + value;
}

/** The same for a word, a sid or a date: known to need no escape. */
export function addWord(form: Form, name: string, word: string): void {
  addEncoded(form, name, word);
  form.signed += name + word;
}

function addEncoded(form: Form, name: string, encoded: string): void {
  form.encoded += form.encoded === "" ? `${name}=${encoded}` : `&${name}=${encoded}`;
}
