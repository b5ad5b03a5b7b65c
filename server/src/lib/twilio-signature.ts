import { createSigner } from "./hmac.ts";

/**
 * X-Twilio-Signature: base64 of HMAC-SHA1 over the URL as configured, without fragment, and the
 * form's parameters sorted by name. A GET is signed with no parameters: they are in its URL.
 */
export function twilioSignature(
  authToken: string,
  url: string,
  form: Readonly<Record<string, string>>,
): string {
  return createSigner("sha1", Buffer.from(authToken))(url, signedParameters(form));
}

/** What is signed of a form, behind the URL. */
export function signedParameters(form: Readonly<Record<string, string>>): string {
  let signed = "";
  for (const name of Object.keys(form).sort()) signed += name + form[name];
  return signed;
}
