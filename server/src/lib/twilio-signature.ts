import { hmacBase64 } from "./hmac.ts";

/**
 * X-Twilio-Signature: base64 of HMAC-SHA1 over the URL as configured, without fragment, and the
 * form's parameters sorted by name. A GET is signed with no parameters: they are in its URL.
 */
export function twilioSignature(
  authToken: string,
  url: string,
  form: Readonly<Record<string, string>>,
): string {
  let signed = url;
  for (const name of Object.keys(form).sort()) signed += name + form[name];
  return hmacBase64("sha1", Buffer.from(authToken), signed);
}
