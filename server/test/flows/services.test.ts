import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { MINUTE } from "../../src/lib/clock.ts";
import { createdAt } from "../../src/lib/message-id.ts";
import { importInventory } from "../../src/senders/store.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;
let client: twilio.Twilio;
let receiver: Server;
let receiverUrl: string;
const forms: { url: string; form: Record<string, string> }[] = [];
/** Beside the simulator's own. */
const more = ["+15005550101", "+15005550102"];

beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  const free = { kind: "long_code", country: "US", connector: "simulator" } as const;
  const numbers = more.map((number) => ({ ...free, number, segmentsPerSecond: 10 }));
  await importInventory(started.database.sql, numbers, new Date("2026-11-24T00:00:00Z"));
  for (const phoneNumber of more) await client.incomingPhoneNumbers.create({ phoneNumber });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      forms.push({ url: request.url ?? "", form });
      response.end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await started?.close();
  receiver?.close();
  expect(started.bugs).toEqual([]);
});

type Settings = Omit<
  Parameters<twilio.Twilio["messaging"]["v1"]["services"]["create"]>[0],
  "friendlyName"
>;

/** A service with these of the simulator's numbers. */
async function serviceWith(numbers: readonly string[], settings: Settings = {}) {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Flow", ...settings });
  const service = client.messaging.v1.services(sid);
  for (const number of await client.incomingPhoneNumbers.list()) {
    if (numbers.includes(number.phoneNumber)) {
      await service.phoneNumbers.create({ phoneNumberSid: number.sid });
    }
  }
  for (const code of await client.shortCodes.list()) {
    if (numbers.includes(code.shortCode)) {
      await service.shortCodes.create({ shortCodeSid: code.sid });
    }
  }
  return { sid, service };
}

const send = (messagingServiceSid: string, to: string, more: object = {}) =>
  client.messages.create({ messagingServiceSid, to, body: "Hello", ...more });
const becomes = (sid: string, status: string) =>
  expect.poll(async () => (await client.messages(sid).fetch()).status).toBe(status);
const timeline = async (sid: string): Promise<string[]> => {
  const { json } = await started.call(`/longwave/v1/Messages/${sid}/Timeline`);
  return json.timeline.map((entry: { words: string }) => entry.words);
};

test("a text by a service is accepted without a sender, then one is chosen, told and explained", async () => {
  const { sid, service } = await serviceWith(["+15005550100"], {
    statusCallback: `${receiverUrl}/status`,
  });
  const sent = await send(sid, "+12025550161");
  expect(sent).toMatchObject({ status: "accepted", from: null, messagingServiceSid: sid });
  await becomes(sent.sid, "delivered");
  expect(await client.messages(sent.sid).fetch()).toMatchObject({
    ...{ from: "+15005550100", messagingServiceSid: sid, numSegments: "1" },
  });
  const told = () =>
    forms.filter(({ form }) => form.MessageSid === sent.sid).map(({ form }) => form);
  await expect
    .poll(() =>
      told()
        .map(({ MessageStatus }) => MessageStatus)
        .sort(),
    )
    .toEqual(["delivered", "queued", "sent"]);
  expect(told().every(({ MessagingServiceSid }) => MessagingServiceSid === sid)).toBe(true);
  expect((await timeline(sent.sid)).join(" ")).toContain("chose +15005550100");
  const listed = await client.messages.list({ from: "+15005550100", limit: 1 });
  expect(listed[0]?.sid).toBe(sent.sid);
  await service.remove();
});

test("a recipient keeps the sender that it knows, others get theirs in turn", async () => {
  const { sid, service } = await serviceWith(["+15005550100", "+15005550101", "+15005550102"]);
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, index) => send(sid, `+1202555018${index % 6}`)),
  );
  for (const { sid: one } of all) await becomes(one, "delivered");
  const ends = await Promise.all(all.map(({ sid: one }) => client.messages(one).fetch()));
  const senders = new Map(ends.map(({ to, from }) => [to, from]));
  expect(ends.every(({ to, from }) => senders.get(to) === from)).toBe(true);
  expect(new Set(senders.values()).size).toBeGreaterThan(1);
  await service.remove();
});

test("a sender of the service may be named, another is refused", async () => {
  const { sid, service } = await serviceWith(["+15005550100"]);
  const sent = await send(sid, "+12025550171", { from: "+15005550100" });
  expect(sent).toMatchObject({ status: "accepted", from: "+15005550100" });
  await becomes(sent.sid, "delivered");
  await expect(send(sid, "+12025550171", { from: "+15005550101" })).rejects.toMatchObject({
    code: 21711,
  });
  await service.remove();
});

test("a service without a sender for the recipient fails the text and says why", async () => {
  const { sid, service } = await serviceWith([]);
  const empty = await send(sid, "+12025550172");
  expect(empty.status).toBe("accepted");
  await becomes(empty.sid, "failed");
  expect(await client.messages(empty.sid).fetch()).toMatchObject({ errorCode: 21704 });
  await service.alphaSenders.create({ alphaSender: "Longwave" });
  const named = await send(sid, "+12025550172");
  await becomes(named.sid, "failed");
  expect(await client.messages(named.sid).fetch()).toMatchObject({ errorCode: 21703 });
  expect((await timeline(named.sid)).join(" ")).toContain("the country does not take");
  await service.remove();
});

test("a text by a service comes from its own fallback where nobody in the service can carry it", async () => {
  const { sid, service } = await serviceWith([]);
  const sent = await send(sid, "+12025550175", { fallbackFrom: "+15005550101" });
  await becomes(sent.sid, "delivered");
  expect((await client.messages(sent.sid).fetch()).from).toBe("+15005550101");
  expect((await timeline(sent.sid)).join(" ")).toContain("FallbackFrom");
  const { service: other } = await serviceWith(["+15005550102"]);
  for (const fallbackFrom of ["+15005550102", "+12025550176", "rcs:brand"]) {
    await expect(send(sid, "+12025550175", { fallbackFrom })).rejects.toMatchObject({
      code: 21665,
    });
  }
  await service.remove();
  await other.remove();
});

test("what a service sets holds for texts that say nothing of it", async () => {
  const { sid, service } = await serviceWith(["+15005550100"], {
    ...{ smartEncoding: true, validityPeriod: 600 },
  });
  await started.call(`/v1/Services/${sid}`, { form: { DefaultPriority: "3" } });
  const silent = await send(sid, "+12025550177", { body: "“Hello”" });
  const own = await send(sid, "+12025550178", { validityPeriod: 60, messageIntent: "otp" });
  expect(silent.body).toBe('"Hello"');
  const rows = await started.database.sql<{ priority: number; id: bigint; until: Date }[]>`
    select priority, id, valid_until as until
    from messages
    where recipient in (${silent.to}, ${own.to})
    order by recipient
  `;
  const kept = rows.map(({ priority, id, until }) => ({
    priority,
    minutes: Math.round((until.getTime() - createdAt(id).getTime()) / MINUTE),
  }));
  expect(kept).toEqual([
    { priority: 3, minutes: 10 },
    { priority: 0, minutes: 1 },
  ]);
  await service.remove();
});

test("STOP to one number of a service holds for all of them, START takes it back", async () => {
  const phone = "+12025550173";
  const { sid, service } = await serviceWith(["+15005550100", "+15005550101"], {
    inboundRequestUrl: `${receiverUrl}/inbound`,
  });
  const inbound = () => forms.filter(({ url, form }) => url === "/inbound" && form.From === phone);
  started.app.simulator?.inject({ from: phone, to: "+15005550100", body: "STOP" });
  await expect.poll(() => inbound().length).toBe(1);
  expect(inbound()[0]?.form).toMatchObject({ MessagingServiceSid: sid, OptOutType: "STOP" });
  await expect(send(sid, phone)).rejects.toMatchObject({ code: 21610 });
  const direct = client.messages.create({ from: "+15005550101", to: phone, body: "Hello" });
  await expect(direct).rejects.toMatchObject({ code: 21610 });
  started.app.simulator?.inject({ from: phone, to: "+15005550101", body: "START" });
  await expect.poll(() => inbound().length).toBe(2);
  const again = await send(sid, phone);
  await becomes(again.sid, "delivered");
  const own = await client.messages.create({ from: "+15005550100", to: phone, body: "Hello" });
  await becomes(own.sid, "delivered");
  await service.remove();
});

test("a bulk takes services", async () => {
  const { sid, service } = await serviceWith(["+15005550100"]);
  const messages = Array.from({ length: 3 }, (_, index) => ({
    ...{ MessagingServiceSid: sid, To: `+1202555019${index}`, Body: "Hello" },
  }));
  const { json } = await started.call("/longwave/v1/Messages/Bulk", {
    body: JSON.stringify({ messages }),
    headers: { "content-type": "application/json" },
  });
  expect(json).toMatchObject({ messages: [{}, {}, {}] });
  for (const one of json.messages) await becomes(one.sid, "delivered");
  await service.remove();
});

test("another account cannot send by the service", async () => {
  const { sid, service } = await serviceWith(["+15005550100"]);
  const { json } = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } });
  const answer = await started.call(`/2010-04-01/Accounts/${json.sid}/Messages.json`, {
    form: { MessagingServiceSid: sid, To: "+12025550174", Body: "Hello" },
    as: { sid: json.sid, token: json.auth_token },
  });
  expect(answer).toMatchObject({ status: 400, json: { code: 21701 } });
  await service.remove();
});

test("what the queues of a service do not hold is stored as failed, and the counters stay exact", async () => {
  const { sql } = started.database;
  const slow = { kind: "long_code", country: "US", connector: "simulator" } as const;
  const number = "+15005550103";
  const limits = { segmentsPerSecond: 0.1, maxQueueSeconds: 1 };
  await importInventory(sql, [{ ...slow, number, ...limits }], new Date("2026-11-24T00:00:00Z"));
  await client.incomingPhoneNumbers.create({ phoneNumber: number });
  const { sid } = await serviceWith([number]);
  const messages = Array.from({ length: 300 }, (_, index) => ({
    ...{ MessagingServiceSid: sid, To: `+1202555${1000 + index}`, Body: "Hello" },
  }));
  const { json } = await started.call("/longwave/v1/Messages/Bulk", {
    body: JSON.stringify({ messages }),
    headers: { "content-type": "application/json" },
  });
  expect(json.accepted).toBe(300);
  const counts = async () => {
    const [row] = await sql<{ failed: number; unnamed: number; depth: number; rows: number }[]>`
      select (
          select count(*) from outcomes join messages using (shard, id, day)
          where options ->> 'service' = ${sid} and error_code = 30001
        )::int as failed,
        (select count(*) from messages where sender = '' and options ->> 'service' = ${sid}
          and not exists (select from outcomes where outcomes.id = messages.id))::int as unnamed,
        sum(accepted - departed)::int as depth,
        (select count(*) from queue join lanes using (shard, lane) where pool = ${sid})::int as rows
      from lanes join lane_departures using (shard, lane)
      where pool = ${sid}
    `;
    return row;
  };
  await expect.poll(async () => (await counts())?.unnamed).toBe(0);
  const end = await counts();
  expect(end?.failed).toBeGreaterThan(30);
  expect(end?.depth).toBe(end?.rows);
});
