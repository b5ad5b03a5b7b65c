import { afterAll, beforeAll, expect, test } from "vitest";
import { routes2010 } from "../../src/api/2010-04-01/routes.ts";
import { importInventory } from "../../src/senders/store.ts";
import { type Contract, readContract } from "./contract.ts";
import { type Asked, type StartedApp, startTestApp } from "./started-app.ts";

const contract = readContract();
const home = "/2010-04-01/Accounts/{AccountSid}";
const freeNumber = "+12025550143";
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
  const free = { kind: "long_code", country: "US", connector: "simulator" } as const;
  const numbers = [{ ...free, number: freeNumber, segmentsPerSecond: 1 }];
  await importInventory(started.database.sql, numbers, new Date("2026-11-24T00:00:00Z"));
});
afterAll(async () => {
  await started?.close();
});

if (contract === undefined) {
  test("the contract of Twilio is not at hand (../shared/contracts): nothing is compared", () => {
    expect(contract).toBeUndefined();
  });
}

/** Asks for a path of the contract and holds the answer to it. */
async function hold(
  by: Contract,
  [method, path, status]: readonly ["get" | "post", string, number],
  {
    sids = {},
    query = "",
    ...asked
  }: Asked & { sids?: Record<string, string>; query?: string } = {},
) {
  const known: Record<string, string> = { AccountSid: started.app.firstAccount.sid, ...sids };
  const url = path.replace(/\{(\w+)\}/g, (_whole, name) => known[name] ?? "missing") + query;
  const form = method === "post" ? { form: asked.form ?? {} } : {};
  const answer = await started.call(url, { ...asked, ...form });
  const operation = { method, path, status };
  expect({ url, status: answer.status, faults: by.faults(operation, answer.json) }).toEqual({
    ...{ url, status, faults: [] },
  });
  return answer.json;
}

const text = { To: "+14155552671", From: "+15005550100", Body: "Hello" };
const run = test.runIf(contract !== undefined);
const by = contract as Contract;

run(
  "a message, its list, its redaction and its feedback are as Twilio's contract says",
  async () => {
    const created = await hold(by, ["post", `${home}/Messages.json`, 201], { form: text });
    const sids = { Sid: created.sid, MessageSid: created.sid };
    await hold(by, ["post", `${home}/Messages/{MessageSid}/Feedback.json`, 200], {
      ...{ sids, form: { Outcome: "confirmed" } },
    });
    await hold(by, ["get", `${home}/Messages/{MessageSid}/Media.json`, 200], { sids });
    const one = ["get", `${home}/Messages/{Sid}.json`, 200] as const;
    await expect.poll(async () => (await hold(by, one, { sids })).status).toBe("delivered");
    await hold(by, ["post", `${home}/Messages/{Sid}.json`, 200], { sids, form: { Body: "" } });
    await hold(by, ["post", `${home}/Messages.json`, 201], { form: text });
    const list = ["get", `${home}/Messages.json`, 200] as const;
    const page = await hold(by, list, { query: "?PageSize=1" });
    expect(page.next_page_uri).toContain("PageToken=");
    await hold(by, list);
  },
);

run("media are as Twilio's contract says", async () => {
  const settings = { accountSid: "AC1", authToken: "secret", baseUrl: "http://127.0.0.1:9" };
  const headers = { "content-type": "application/json" };
  const connector = { name: "twilio", kind: "twilio", settings };
  await started.call("/longwave/v1/Connectors", { body: JSON.stringify(connector), headers });
  const free = { kind: "long_code", country: "GB", connector: "twilio" } as const;
  const numbers = [{ ...free, number: "+447400123456", segmentsPerSecond: 1 }];
  await importInventory(started.database.sql, numbers, new Date("2026-11-24T00:00:00Z"));
  const claim = { form: { PhoneNumber: "+447400123456" } };
  await hold(by, ["post", `${home}/IncomingPhoneNumbers.json`, 201], claim);
  const form = { From: "+447400123456", To: "+447900123456", MediaUrl: "https://a.example/a.png" };
  const messages = `${started.home}/Messages.json`;
  // The connector is known within a second.
  await expect.poll(async () => (await started.call(messages, { form })).status).toBe(201);
  const { sid } = await hold(by, ["post", `${home}/Messages.json`, 201], { form });
  const path = `${home}/Messages/{MessageSid}/Media`;
  const list = { sids: { MessageSid: sid } };
  const { media_list: media } = await hold(by, ["get", `${path}.json`, 200], list);
  const sids = { MessageSid: sid, Sid: media[0].sid };
  await hold(by, ["get", `${path}/{Sid}.json`, 200], { sids });
});

run("a message that failed has its code and words where the contract has them", async () => {
  const form = { ...text, To: "+14155559901" };
  const { sid } = await hold(by, ["post", `${home}/Messages.json`, 201], { form });
  const one = ["get", `${home}/Messages/{Sid}.json`, 200] as const;
  await expect
    .poll(async () => (await hold(by, one, { sids: { Sid: sid } })).error_message)
    .toMatch(/\.$/);
});

run("accounts are as Twilio's contract says", async () => {
  const created = await hold(by, ["post", "/2010-04-01/Accounts.json", 201], {
    form: { FriendlyName: "Branch" },
  });
  const one = "/2010-04-01/Accounts/{Sid}.json";
  const sids = { Sid: created.sid };
  await hold(by, ["get", one, 200], { sids });
  await hold(by, ["post", one, 200], { sids, form: { Status: "suspended" } });
  await hold(by, ["get", "/2010-04-01/Accounts.json", 200], { query: "?PageSize=1" });
});

run("keys are as Twilio's contract says", async () => {
  const key = await hold(by, ["post", `${home}/Keys.json`, 201], { form: { FriendlyName: "a" } });
  const sids = { Sid: key.sid };
  await hold(by, ["get", `${home}/Keys/{Sid}.json`, 200], { sids });
  await hold(by, ["post", `${home}/Keys/{Sid}.json`, 200], { sids, form: { FriendlyName: "b" } });
  await hold(by, ["get", `${home}/Keys.json`, 200]);
});

run("usage triggers are as Twilio's contract says", async () => {
  const path = `${home}/Usage/Triggers`;
  const form = {
    ...{ UsageCategory: "sms", TriggerValue: "5000", Recurring: "daily" },
    CallbackUrl: "https://example.com/used",
  };
  const created = await hold(by, ["post", `${path}.json`, 201], { form });
  const sids = { Sid: created.sid };
  await hold(by, ["get", `${path}/{Sid}.json`, 200], { sids });
  await hold(by, ["post", `${path}/{Sid}.json`, 200], { sids, form: { FriendlyName: "Day" } });
  await hold(by, ["get", `${path}.json`, 200]);
});

const usageLists = ["AllTime", "Daily", "Monthly", "Yearly", "Today", "Yesterday", "ThisMonth"];
run.each(["", ...["LastMonth", ...usageLists].map((name) => `/${name}`)])(
  "the usage records%s are as Twilio's contract says",
  async (name) => {
    const list = ["get", `${home}/Usage/Records${name}.json`, 200] as const;
    const { usage_records: records } = await hold(by, list, { query: "?Category=sms-inbound" });
    const [example] = by.examples({ method: "get", path: list[1], status: 200 }) as [
      { usage_records: { subresource_uris: object }[] },
    ];
    expect(Object.keys(records[0].subresource_uris).sort()).toEqual(
      Object.keys(example.usage_records[0]?.subresource_uris ?? {}).sort(),
    );
  },
);

run("phone numbers, free and held, are as Twilio's contract says", async () => {
  const free = `${home}/AvailablePhoneNumbers`;
  const sids = { CountryCode: "US" };
  await hold(by, ["get", `${free}.json`, 200]);
  await hold(by, ["get", `${free}/{CountryCode}.json`, 200], { sids });
  for (const kind of ["Local", "TollFree", "Mobile"]) {
    await hold(by, ["get", `${free}/{CountryCode}/${kind}.json`, 200], { sids });
  }
  const held = `${home}/IncomingPhoneNumbers`;
  const form = { PhoneNumber: freeNumber, SmsUrl: "https://example.com/sms" };
  const claimed = await hold(by, ["post", `${held}.json`, 201], { form });
  const one = { sids: { Sid: claimed.sid } };
  await hold(by, ["get", `${held}/{Sid}.json`, 200], one);
  await hold(by, ["post", `${held}/{Sid}.json`, 200], { ...one, form: { SmsMethod: "GET" } });
  await hold(by, ["get", `${held}.json`, 200]);
  for (const kind of ["Local", "TollFree", "Mobile"]) {
    await hold(by, ["get", `${held}/${kind}.json`, 200]);
  }
  await started.call(`${started.home}/IncomingPhoneNumbers/${claimed.sid}.json`, {
    method: "DELETE",
  });
  await hold(by, ["post", `${held}/Local.json`, 201], { form });
});

run("short codes are as Twilio's contract says", async () => {
  const list = await hold(by, ["get", `${home}/SMS/ShortCodes.json`, 200]);
  const sids = { Sid: list.short_codes[0].sid };
  const one = `${home}/SMS/ShortCodes/{Sid}.json`;
  await hold(by, ["get", one, 200], { sids });
  await hold(by, ["post", one, 200], { sids, form: { FriendlyName: "Alerts" } });
});

run("every parameter of the contract is taken, ignored or refused by its name", () => {
  const unknown = routes2010.flatMap(({ method, path, parameters }) => {
    const names = by.parameters(method.toLowerCase(), pathOfContract(path));
    return names.filter((name) => !(name in parameters)).map((name) => `${method} ${path} ${name}`);
  });
  expect(unknown).toEqual([]);
  const known = by.parameters("post", `${home}/Messages.json`);
  expect(known).toEqual(expect.arrayContaining(["To", "SendAt", "ContentVariables"]));
});

/** `/2010-04-01/Accounts/:account/Messages/:sid` as Twilio's file names its parts. */
function pathOfContract(path: string): string {
  const parts = path.split("/").map((part, index, all) => {
    if (part === ":country") return "{CountryCode}";
    if (!part.startsWith(":")) return part;
    if (index === all.length - 1) return "{Sid}";
    return part === ":account" ? "{AccountSid}" : "{MessageSid}";
  });
  return `${parts.join("/")}.json`;
}

run("the strict contract passes Twilio's own example, and sees what is wrong in another", () => {
  const operation = { method: "post", path: `${home}/Keys.json`, status: 201 } as const;
  const [example] = by.examples(operation);
  expect(by.faults(operation, example)).toEqual([]);
  expect(by.faults(operation, { ...(example as object), more: 1 })).toHaveLength(1);
  expect(by.faults(operation, { ...(example as object), sid: "SK1" })).toHaveLength(1);
  expect(by.faults(operation, {}).length).toBeGreaterThan(3);
});
