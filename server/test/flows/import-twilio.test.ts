import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../src/cli/cli.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";
import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";

const [own, pooled, tollFree, unregistered] = [
  ...["+12025550101", "+12025550102", "+18005550103", "+12025550104"],
] as const;
const shortCode = "72345";
const [stopped, returned, refused, stoppedService] = [
  ...["+14155552671", "+14155552672", "+14155552673", "+14155552674"],
] as const;
const serviceSid = `MG${"a".repeat(32)}`;
const subaccount = { sid: `AC${"b".repeat(32)}`, auth_token: "b".repeat(32) };
const inbound = { direction: "inbound", status: "received" };
let started: StartedApp;
let fake: FakeTwilio;

beforeAll(async () => {
  started = await startTestApp();
  fake = await startFakeTwilio({
    subaccounts: [{ ...subaccount, friendly_name: "A customer" }],
    numbers: [
      { phone_number: own, sms_url: "https://example.com/sms", voice_url: "https://example.com/v" },
      { phone_number: pooled, friendly_name: "Shop" },
      { phone_number: tollFree },
      { phone_number: unregistered, account_sid: subaccount.sid },
    ],
    shortCodes: [{ short_code: shortCode }],
    services: [
      {
        ...{ sid: serviceSid, friendly_name: "Shop", senders: [pooled, shortCode, "ACME"] },
        ...{ sticky_sender: false, validity_period: 600, us_app_to_person_registered: true },
        status_callback: "https://example.com/status",
      },
    ],
    verifications: [{ sid: "HH1", status: "TWILIO_APPROVED", tollfree_phone_number: tollFree }],
    messages: [
      { from: returned, to: own, body: "START", ...inbound },
      { from: returned, to: own, body: "STOP", ...inbound },
      { from: stopped, to: own, body: "stop!", ...inbound },
      { from: stopped, to: own, body: "Stop by at five", ...inbound },
      { from: own, to: refused, body: "Hello", status: "failed", error_code: 21610 },
      { from: own, to: returned, body: "Hello", status: "failed", error_code: 30003 },
      { from: stoppedService, to: pooled, body: "Unsubscribe", ...inbound },
    ],
  });
});
afterAll(async () => {
  await started.close();
  await fake.close();
  expect(started.bugs).toEqual([]);
});

async function importTwilio(...flags: string[]): Promise<{ code: number; says: string }> {
  let says = "";
  const terminal = {
    write: (text: string) => {
      says += text;
    },
  };
  const { url, firstAccount } = started.app;
  const env = {
    ...{ LONGWAVE_URL: url, LONGWAVE_ACCOUNT_SID: firstAccount.sid },
    LONGWAVE_AUTH_TOKEN: firstAccount.token,
    ...{ TWILIO_ACCOUNT_SID: fake.accountSid, TWILIO_AUTH_TOKEN: fake.authToken },
  };
  const argv = ["import", "twilio", "--base-url", fake.url, "--connector", "simulator", ...flags];
  const code = await runCommand(argv, { out: terminal, err: terminal, env, fetch });
  return { code, says };
}

const inventory = async () =>
  (await started.call("/longwave/v1/Inventory?PageSize=1000")).json.numbers;
const optOuts = async () =>
  (await started.call("/longwave/v1/OptOuts?PageSize=1000")).json.opt_outs.map(
    ({ pool, recipient, source }: Record<string, string>) => `${pool} ${recipient} ${source}`,
  );

test("without --apply it says what it would do and what has no counterpart, and changes nothing", async () => {
  const before = await inventory();
  const { code, says } = await importTwilio();
  expect([code, says]).toEqual([0, expect.stringContaining("4 to add, 0 here already")]);
  expect(says).toContain("1 to add under their sids, 0 here already; 3 senders");
  expect(says).toContain("Opt-outs: 3 in 7 messages");
  expect(says).toContain(`${own}: voice stays at Twilio.`);
  expect(says).toContain(`${own}: no approved registration found`);
  expect(says).not.toContain(`${pooled}: no approved`);
  expect(says).toContain("Nothing was changed.");
  expect(await inventory()).toEqual(before);
  expect(fake.posts).toEqual([]);
});

test("applied, numbers are the account's with their webhooks, in services that keep their sids", async () => {
  expect(await importTwilio("--apply")).toMatchObject({ code: 0 });
  const { json } = await started.call(`${started.home}/IncomingPhoneNumbers.json?PageSize=1000`);
  const held = json.incoming_phone_numbers.find(
    (one: { phone_number: string }) => one.phone_number === own,
  );
  expect(held).toMatchObject({ sms_url: "https://example.com/sms", friendly_name: own });
  expect(await inventory()).toContainEqual(
    expect.objectContaining({
      ...{ number: tollFree, kind: "toll_free", country: "US", segments_per_second: 3 },
      account_sid: started.app.firstAccount.sid,
    }),
  );
  const service = await started.call(`/v1/Services/${serviceSid}`);
  expect(service.json).toMatchObject({
    ...{ friendly_name: "Shop", sticky_sender: false, validity_period: 600 },
    status_callback: "https://example.com/status",
  });
  const members = await started.call(`/v1/Services/${serviceSid}/PhoneNumbers`);
  expect(members.json.phone_numbers).toMatchObject([{ phone_number: pooled }]);
  const codes = await started.call(`/v1/Services/${serviceSid}/ShortCodes`);
  expect(codes.json.short_codes).toMatchObject([{ short_code: shortCode }]);
  const names = await started.call(`/v1/Services/${serviceSid}/AlphaSenders`);
  expect(names.json.alpha_senders).toMatchObject([{ alpha_sender: "ACME" }]);
});

test("what carriers approved at Twilio is recorded here", async () => {
  const { json } = await started.call("/longwave/v1/Registrations?PageSize=1000");
  const campaigns = json.registrations.map((one: Record<string, string>) => [
    one.number,
    one.campaign,
  ]);
  expect(campaigns).toContainEqual([pooled, "CABC123"]);
  expect(campaigns).toContainEqual([tollFree, "HH1"]);
});

test("a STOP counts unless START came after it, a service's for the whole service", async () => {
  expect(await optOuts()).toEqual([
    ...[`${own} ${stopped} import`, `${own} ${refused} import`],
    `${serviceSid} ${stoppedService} import`,
  ]);
  const form = { To: stopped, From: own, Body: "Hello" };
  const answer = await started.call(`${started.home}/Messages.json`, { form });
  expect(answer.json).toMatchObject({ code: 21610 });
});

test("run again it adds nothing, and what was changed here stays", async () => {
  const body = JSON.stringify({
    numbers: [
      {
        number: own,
        kind: "long_code",
        country: "US",
        connector: "simulator",
        segments_per_second: 7,
      },
    ],
  });
  const headers = { "content-type": "application/json" };
  await started.call("/longwave/v1/Inventory", { body, headers });
  const before = [await inventory(), await optOuts()];
  const { says } = await importTwilio("--apply");
  expect(says).toContain("0 to add, 4 here already");
  expect(says).toContain("Imported: 0 numbers, 0 services, 0 opt-outs new here.");
  expect([await inventory(), await optOuts()]).toEqual(before);
});

test("a subaccount keeps its sid and token", async () => {
  const settings = { host: "127.0.0.1", port: 1, systemId: "x", password: "x" };
  const name = `simulator-${subaccount.sid.slice(-8)}`;
  const body = JSON.stringify({ name, kind: "smpp", settings });
  const headers = { "content-type": "application/json" };
  expect(await started.call("/longwave/v1/Connectors", { body, headers })).toMatchObject({
    status: 201,
  });
  expect((await importTwilio("--subaccounts", "--apply")).says).toContain(
    `a new account ${subaccount.sid}`,
  );
  const as = { sid: subaccount.sid, token: subaccount.auth_token };
  const path = `/2010-04-01/Accounts/${subaccount.sid}/IncomingPhoneNumbers.json`;
  const { json } = await started.call(path, { as });
  expect(json.incoming_phone_numbers).toMatchObject([{ phone_number: unregistered }]);
});

test("with --point-here Twilio brings texts from phones to this Longwave, set once", async () => {
  const point = ["--apply", "--point-here", "https://sms.example.com/"];
  expect((await importTwilio(...point)).says).toContain("5 webhooks at Twilio lead here now.");
  expect(fake.world.numbers[0]).toMatchObject({
    sms_url: "https://sms.example.com/connectors/simulator/inbound",
  });
  expect((await importTwilio(...point)).says).toContain("0 webhooks at Twilio lead here now.");
});

test("wrong credentials at Twilio end with a sentence and change nothing", async () => {
  const { code, says } = await importTwilio("--twilio-token", "wrong", "--apply");
  expect([code, says]).toEqual([1, expect.stringContaining("Check TWILIO_ACCOUNT_SID")]);
});
