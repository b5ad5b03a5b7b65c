import { readNumbers, readServices } from "./read-account.ts";
import type { TwilioReader } from "./twilio-reader.ts";

/**
 * Has Twilio bring texts from phones to this Longwave, which calls the webhooks that were imported.
 * Gives how many settings changed; again it changes none.
 */
export async function pointWebhooks(
  reader: TwilioReader,
  here: { readonly accountSid: string; readonly connector: string; readonly publicUrl: string },
): Promise<number> {
  const { accountSid, connector, publicUrl } = here;
  const url = `${publicUrl.replace(/\/+$/, "")}/connectors/${connector}/inbound`;
  const home = `/2010-04-01/Accounts/${accountSid}`;
  let count = 0;
  for (const one of await readNumbers(reader, accountSid)) {
    if (one.sms_url === url) continue;
    const collection = one.short_code === undefined ? "IncomingPhoneNumbers" : "SMS/ShortCodes";
    // No fallback: it would be called beside us, and the program would get a text twice.
    const form = { SmsUrl: url, SmsMethod: "POST", SmsFallbackUrl: "" };
    await reader.update("api", `${home}/${collection}/${one.sid}.json`, form);
    count += 1;
  }
  for (const { service } of await readServices(reader, accountSid)) {
    if (service.inbound_request_url === url) continue;
    const form = { InboundRequestUrl: url, InboundMethod: "POST", FallbackUrl: "" };
    await reader.update("messaging", `/v1/Services/${service.sid}`, form);
    count += 1;
  }
  return count;
}
