import { csvLine } from "../../lib/csv.ts";
import type { Connection } from "../connection.ts";
import type { AccountPlan, PlannedNumber, PlannedService } from "./plan.ts";
import { findSender, type Longwave } from "./present.ts";

/** How a subaccount's texts go out: through the account at Twilio that they came from. */
export type Upstream = {
  readonly connector: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly baseUrl: string | undefined;
};

const NUMBERS_AT_ONCE = 1_000;
/** Some 100 kB of CSV. */
const OPT_OUTS_AT_ONCE = 5_000;

/**
 * Makes what the plan says. Each step is one that may be done again, so an import that was stopped goes
 * on when it is run again.
 */
export async function applyPlan(
  operator: Connection,
  { plan, upstream, present }: { plan: AccountPlan; upstream: Upstream; present: Longwave },
): Promise<{ optOutsAdded: number }> {
  const { account } = plan;
  if (plan.isNewAccount) {
    await operator.postJson("/longwave/v1/Accounts", {
      ...{ sid: account.sid, auth_token: upstream.authToken },
      friendly_name: account.friendly_name.slice(0, 64) || account.sid,
    });
  }
  await addConnector(operator, upstream, present);
  await addNumbers(operator, { plan, connector: upstream.connector });
  const as =
    plan.target === operator.accountSid ? operator : operator.as(plan.target, upstream.authToken);
  for (const service of plan.services) await addService(operator, as, service);
  return { optOutsAdded: await addOptOuts(as, plan) };
}

async function addConnector(operator: Connection, upstream: Upstream, present: Longwave) {
  const { connector: name, accountSid, authToken, baseUrl } = upstream;
  if (present.connectorNames.has(name)) return;
  await operator.postJson("/longwave/v1/Connectors", {
    ...{ name, kind: "twilio", opt_outs_upstream: true },
    settings: { accountSid, authToken, ...(baseUrl === undefined ? {} : { baseUrl }) },
  });
}

async function addNumbers(
  operator: Connection,
  { plan, connector }: { plan: AccountPlan; connector: string },
): Promise<void> {
  const { numbers, target } = plan;
  for (let at = 0; at < numbers.length; at += NUMBERS_AT_ONCE) {
    const some = numbers.slice(at, at + NUMBERS_AT_ONCE);
    await operator.postJson("/longwave/v1/Inventory", {
      numbers: some.map((one) => ({
        ...{ number: one.number, kind: one.kind, country: one.country, connector },
        ...{ segments_per_second: one.segmentsPerSecond, can_mms: one.canMms },
      })),
    });
    const registrations = some.flatMap(registrationOf);
    if (registrations.length > 0) {
      await operator.postJson("/longwave/v1/Registrations", { registrations });
    }
    for (const { number, settings } of some) {
      const path = `/longwave/v1/Inventory/${encodeURIComponent(number)}/Holder`;
      await operator.postJson(path, { account_sid: target, ...settings });
    }
  }
}

function registrationOf({ number, registration }: PlannedNumber) {
  return registration === undefined ? [] : [{ number, ...registration }];
}

async function addService(
  operator: Connection,
  as: Connection,
  service: PlannedService,
): Promise<void> {
  const path = `/v1/Services/${service.sid}`;
  if (service.isNew) {
    await operator.postJson("/longwave/v1/Services", {
      ...{ sid: service.sid, account_sid: as.accountSid },
      friendly_name: service.friendlyName.slice(0, 64),
    });
    await as.post(path, service.settings);
  }
  for (const number of service.numbers) {
    const sid = await findSender(as, number);
    if (sid === undefined) continue; // the plan's notes say why it was left out
    const isShortCode = !number.startsWith("+");
    await as.post(`${path}/${isShortCode ? "ShortCodes" : "PhoneNumbers"}`, {
      [isShortCode ? "ShortCodeSid" : "PhoneNumberSid"]: sid,
    });
  }
  for (const name of service.names) {
    await as.post(`${path}/AlphaSenders`, { AlphaSender: name });
  }
}

async function addOptOuts(as: Connection, { optOuts }: AccountPlan): Promise<number> {
  let added = 0;
  for (let at = 0; at < optOuts.length; at += OPT_OUTS_AT_ONCE) {
    const lines = optOuts
      .slice(at, at + OPT_OUTS_AT_ONCE)
      .map(({ pool, recipient }) => csvLine([pool, recipient]));
    const csv = csvLine(["pool", "recipient"]) + lines.join("");
    const answer = (await as.postCsv("/longwave/v1/OptOuts/Import", csv)) as { added: number };
    added += answer.added;
  }
  return added;
}
