import { afterAll, beforeAll, expect, test } from "vitest";
import { type Credentials, type StartedApp, startTestApp } from "./started-app.ts";

let started: StartedApp;
let other: Credentials;

beforeAll(async () => {
  started = await startTestApp();
  const { json } = await started.call("/2010-04-01/Accounts.json", {
    form: { FriendlyName: "Other" },
  });
  other = { sid: json.sid, token: json.auth_token };
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const post = (path: string, json: unknown, as?: Credentials) =>
  started.call(`/longwave/v1${path}`, {
    ...{ method: "POST", body: JSON.stringify(json), as },
    headers: { "content-type": "application/json" },
  });
const get = (path: string, as?: Credentials) => started.call(`/longwave/v1${path}`, { as });
const remove = (path: string) => started.call(`/longwave/v1${path}`, { method: "DELETE" });

test("a registration is recorded, replaced, listed and forgotten", async () => {
  const number = "+15005550100";
  const put = (change: object) =>
    post("/Registrations", { registrations: [{ number, campaign: "C1AB2CD", ...change }] });
  expect((await put({ class: "A" })).json).toEqual({ stored: 1 });
  expect((await put({ class: "B", status: "pending" })).json).toEqual({ stored: 1 });
  const { json } = await get("/Registrations");
  expect(json.registrations).toEqual([
    { number, campaign: "C1AB2CD", brand: "", class: "B", status: "pending" },
  ]);
  const foreign = await put({ number: "+12025550199" });
  expect(foreign.json).toMatchObject({ code: 20001, message: expect.stringMatching(/inventory/) });
  expect((await remove(`/Registrations/${number}`)).status).toBe(204);
  expect((await remove(`/Registrations/${number}`)).status).toBe(404);
});

test("what carriers take of a campaign and a brand is set, listed and lifted, by the operator alone", async () => {
  const limits = [
    { kind: "brand", id: "B9", segments_per_day: 2_000 },
    { kind: "campaign", id: "C1", segments_per_second: 0.25 },
  ];
  const put = (registration_limits: unknown, as?: Credentials) =>
    post("/RegistrationLimits", { registration_limits }, as);
  expect((await put(limits, other)).status).toBe(403);
  expect((await get("/RegistrationLimits", other)).status).toBe(403);
  expect((await put(limits)).json).toEqual({ stored: 2 });
  expect((await get("/RegistrationLimits")).json.registration_limits).toEqual([
    { ...limits[0], segments_today: 0 },
    limits[1],
  ]);
  const misfit = await put([{ kind: "brand", id: "B9", segments_per_second: 1 }]);
  expect(misfit.json).toMatchObject({ code: 20001, message: expect.stringMatching(/per_day/) });
  expect((await remove("/RegistrationLimits/brand/B9")).status).toBe(204);
  expect((await remove("/RegistrationLimits/brand/B9")).status).toBe(404);
});

test("an account says what becomes of its marketing texts in quiet hours", async () => {
  expect((await post("/QuietHours", { mode: "refuse" })).json).toEqual({ mode: "refuse" });
  expect((await get("/QuietHours")).json).toEqual({ mode: "refuse" });
  expect((await get("/QuietHours", other)).json).toEqual({ mode: "defer" });
  expect((await post("/QuietHours", { mode: "never" })).json).toMatchObject({ code: 20001 });
});

test("a price list is imported, listed, corrected and shortened", async () => {
  const imported = await started.call("/longwave/v1/Prices/Import", {
    body: "connector,country,price,valid_from\nsimulator,US,0.0079,2026-01-01T00:00:00Z\n",
    headers: { "content-type": "text/csv" },
  });
  expect(imported.json).toEqual({ stored: 1 });
  const line = { connector: "simulator", country: "US", valid_from: "2026-01-01T00:00:00Z" };
  await post("/Prices", { prices: [{ ...line, price: "0.0083" }] });
  const { json } = await get("/Prices?Connector=simulator&Country=US");
  expect(json.prices).toEqual([
    {
      ...{ id: expect.any(Number), connector: "simulator", country: "US", carrier: "" },
      ...{ valid_from: "2026-01-01T00:00:00.000Z", price: "0.008300" },
    },
  ]);
  const [{ id }] = json.prices;
  expect((await remove(`/Prices/${id}`)).status).toBe(204);
  expect((await remove(`/Prices/${id}`)).status).toBe(404);
  const nowhere = await post("/Prices", { prices: [{ ...line, country: "XX", price: "1" }] });
  expect(nowhere.json).toMatchObject({ code: 20001 });
});
