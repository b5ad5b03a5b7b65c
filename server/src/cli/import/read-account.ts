import type { TwilioMessage, TwilioNumber, TwilioReader, TwilioService } from "./twilio-reader.ts";

export type ServiceWithPool = {
  readonly service: TwilioService;
  readonly numbers: readonly string[];
  readonly names: readonly string[];
};

/** Phone numbers and short codes. */
export async function readNumbers(
  reader: TwilioReader,
  accountSid: string,
): Promise<TwilioNumber[]> {
  const home = `/2010-04-01/Accounts/${accountSid}`;
  const numbers = `${home}/IncomingPhoneNumbers.json`;
  return [
    ...(await take(reader.list<TwilioNumber>("api", numbers, "incoming_phone_numbers"))),
    ...(await take(reader.list<TwilioNumber>("api", `${home}/SMS/ShortCodes.json`, "short_codes"))),
  ];
}

export async function readServices(
  reader: TwilioReader,
  accountSid: string,
): Promise<ServiceWithPool[]> {
  const pools: ServiceWithPool[] = [];
  for await (const service of reader.list<TwilioService>("messaging", "/v1/Services", "services")) {
    if (service.account_sid !== accountSid) continue;
    const members = <Item>(collection: string, key: string) =>
      take(reader.list<Item>("messaging", `/v1/Services/${service.sid}/${collection}`, key));
    const numbers = await members<{ phone_number: string }>("PhoneNumbers", "phone_numbers");
    const codes = await members<{ short_code: string }>("ShortCodes", "short_codes");
    const names = await members<{ alpha_sender: string }>("AlphaSenders", "alpha_senders");
    pools.push({
      service,
      numbers: [...numbers.map((one) => one.phone_number), ...codes.map((one) => one.short_code)],
      names: names.map((one) => one.alpha_sender),
    });
  }
  return pools;
}

export type Registrations = ReadonlyMap<
  string,
  { readonly campaign: string; readonly brand: string }
>;

/** What carriers in the United States approved, by number. */
export async function readRegistrations(
  reader: TwilioReader,
  services: readonly ServiceWithPool[],
): Promise<Registrations> {
  const found = new Map<string, { campaign: string; brand: string }>();
  type Campaign = { campaign_id: string; campaign_status: string; brand_registration_sid: string };
  for (const { service, numbers } of services) {
    if (service.us_app_to_person_registered !== true) continue;
    const path = `/v1/Services/${service.sid}/Compliance/Usa2p`;
    const campaigns = await take(reader.list<Campaign>("messaging", path, "compliance"));
    const active = campaigns.find((one) => one.campaign_status === "VERIFIED");
    if (active === undefined) continue;
    const registration = { campaign: active.campaign_id, brand: active.brand_registration_sid };
    for (const number of numbers) found.set(number, registration);
  }
  type Verification = { sid: string; status: string; tollfree_phone_number?: string };
  const path = "/v1/Tollfree/Verifications?Status=TWILIO_APPROVED";
  for await (const one of reader.list<Verification>("messaging", path, "verifications")) {
    if (one.tollfree_phone_number === undefined || one.status !== "TWILIO_APPROVED") continue;
    found.set(one.tollfree_phone_number, { campaign: one.sid, brand: "" });
  }
  return found;
}

/** Newest first; nothing without `since`. */
export function readHistory(
  reader: TwilioReader,
  accountSid: string,
  since: Date | undefined,
): AsyncIterable<TwilioMessage> {
  if (since === undefined) return nothing();
  const day = since.toISOString().slice(0, 10);
  return reader.list(
    "api",
    `/2010-04-01/Accounts/${accountSid}/Messages.json?DateSent%3E=${day}`,
    "messages",
  );
}

async function* nothing(): AsyncGenerator<never> {}

async function take<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}
