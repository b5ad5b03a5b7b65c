import type { Twilio } from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { readContract } from "../compat/contract.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const abroad = "+447700900123";
const from = "+15005550100";
let started: StartedApp;
let client: Twilio;

beforeAll(async () => {
  started = await startTestApp();
  client = connect(started.app.firstAccount);
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const connect = ({ sid, token }: { sid: string; token: string }) =>
  createLongwaveClient({ baseUrl: started.app.url, accountSid: sid, authToken: token });
const send = (to: string, by = client) => by.messages.create({ to, from, body: "Hello" });
const permit = (country_code: string, enabled: boolean) =>
  client.accounts.v1.messagingGeopermissions.update({
    permissions: [{ country_code, type: "country", enabled }],
  });

test("at first only the countries of the account's senders are open", async () => {
  const { permissions } = await client.accounts.v1.messagingGeopermissions.fetch();
  const open = permissions.filter(({ enabled }: { enabled: boolean }) => enabled);
  expect(open).toEqual([
    { country_code: "US", type: "country", enabled: true, prefix: "+1", message: "" },
  ]);
  await expect(send(abroad)).rejects.toMatchObject({ status: 400, code: 21408 });
});

test("a country is opened and closed, and another account's stays as it was", async () => {
  const other = await client.api.v2010.accounts.create({ friendlyName: "Other" });
  const { permissions } = await permit("FR", true);
  expect(permissions).toEqual([
    { country_code: "FR", type: "country", enabled: true, error_code: 0, error_messages: [] },
  ]);
  expect((await send("+33612345678")).status).toBe("queued");
  const theirs = connect({ sid: other.sid, token: other.authToken });
  const before = await theirs.accounts.v1.messagingGeopermissions.update({
    permissions: [{ country_code: "FR", type: "country", enabled: false }],
  });
  expect(before.permissions[0].enabled).toBe(false);
  expect((await send("+33612345678")).status).toBe("queued");
  await permit("FR", false);
  await expect(send("+33612345678")).rejects.toMatchObject({ code: 21408 });
});

test("a country that is none is told, and the others of the request are changed", async () => {
  const { permissions } = await client.accounts.v1.messagingGeopermissions.update({
    permissions: [
      { country_code: "XX", type: "country", enabled: true },
      { country_code: "DE", type: "country", enabled: true },
    ],
  });
  expect(permissions).toMatchObject([{ error_code: 20001 }, { error_code: 0 }]);
  const one = await client.accounts.v1.messagingGeopermissions.fetch({ countryCode: "DE" });
  expect(one.permissions).toMatchObject([{ country_code: "DE", enabled: true, prefix: "+49" }]);
});

test("a number on the safe list is texted although its country is closed", async () => {
  const list = client.accounts.v1.safelist;
  const made = await list.create({ phoneNumber: abroad });
  expect(made).toMatchObject({ phoneNumber: abroad, sid: expect.stringMatching(/^GN/) });
  await expect(list.create({ phoneNumber: abroad })).rejects.toMatchObject({ code: 60411 });
  expect((await send(abroad)).status).toBe("queued");
  expect((await list.fetch({ phoneNumber: abroad })).sid).toBe(made.sid);
  expect(await list.remove({ phoneNumber: abroad })).toBe(true);
  await expect(list.fetch({ phoneNumber: abroad })).rejects.toMatchObject({ status: 404 });
  await expect(send(abroad)).rejects.toMatchObject({ code: 21408 });
});

const contract = readContract("accounts_v1");
test.runIf(contract !== undefined)("the safe list is as Twilio's contract says", async () => {
  const phone = { PhoneNumber: "+447700900" };
  const { json } = await started.call("/v1/SafeList/Numbers", { form: phone });
  const operation = { method: "post", path: "/v1/SafeList/Numbers", status: 201 } as const;
  expect(contract?.faults(operation, json)).toEqual([]);
});
