import { afterEach, expect, test } from "vitest";
import { bindTo, startNetwork } from "../../test/gateway.ts";
import { closeAll } from "../../test/smpp-carrier.ts";
import { type DeliverSm, emptyMessage, type Pdu, statuses, tlvs } from "../smpp/pdus.ts";
import { SmppNoAnswer } from "../smpp/session.ts";
import { absoluteTime } from "../smpp/times.ts";
import type { SimulatorOptions } from "./simulator.ts";

afterEach(closeAll);

const patient = { timeout: 20_000 };
const source = "15005550100";

/** A network whose time the test moves, and a bind to it. */
async function connect(options: Partial<SimulatorOptions> = {}, systemType = "") {
  const time = { nowMs: Date.parse("2026-11-24T12:00:00Z") };
  const simulator = await startNetwork({ now: () => time.nowMs, receiptDelayMs: 0, ...options });
  const gateway = await bindTo(simulator, { systemType });
  const ask = (pdu: object) =>
    new Promise<Record<string, unknown>>((done) => {
      gateway.session.request(
        { ...emptyMessage, ...pdu, status: 0, sequence: 0 } as unknown as Pdu,
        (answer) => {
          if (answer instanceof SmppNoAnswer) throw answer;
          done(answer as unknown as Record<string, unknown>);
        },
      );
    });
  const idOf = async (dest: string, fields = {}) => {
    const answer = await gateway.submit(dest, fields);
    return "messageId" in answer ? answer.messageId : "";
  };
  const query = (messageId: string, from = source) =>
    ask({ command: "query_sm", messageId, source: from });
  const receipts = () =>
    gateway.heard.filter(({ command }) => command === "deliver_sm") as DeliverSm[];
  return { time, simulator, gateway, ask, idOf, query, receipts };
}

const later = (ms: number) => absoluteTime(new Date(Date.parse("2026-11-24T12:00:00Z") + ms));

test("query_sm tells the state of a text, its error, and when it was final", async () => {
  const { time, idOf, query } = await connect();
  const shown = await idOf("12025550123");
  expect(await query(shown)).toMatchObject({
    ...{ command: "query_sm_resp", status: 0, messageId: shown, messageState: 2, errorCode: 0 },
    finalDate: "261124120000000+",
  });
  const off = await idOf("12025559922");
  expect(await query(off)).toMatchObject({ status: 0, messageState: 1, finalDate: "" });
  time.nowMs += 1_000;
  expect(await query(off)).toMatchObject({ messageState: 3, errorCode: 28 });
});

test.each(["", "hex", "noughts"])(
  "query_sm takes the id as the answer wrote it, of its sender alone (%s)",
  async (manners) => {
    const { idOf, query } = await connect({}, manners);
    const id = await idOf("12025550123");
    expect(await query(id)).toMatchObject({ status: statuses.ok, messageState: 2 });
    expect(await query(id, "15005550199")).toMatchObject({ status: statuses.invalidMessageId });
    expect(await query("12")).toMatchObject({ status: statuses.invalidMessageId });
  },
);

test("a scheduled text goes out at its time, and tells so", async () => {
  const { time, simulator, idOf, query, receipts } = await connect();
  const id = await idOf("12025550123", { scheduleTime: later(60_000) });
  expect(await query(id)).toMatchObject({ messageState: 1 });
  expect(simulator.shown("+12025550123")).toEqual([]);
  time.nowMs += 60_000;
  await expect.poll(() => receipts().length, patient).toBe(1);
  expect(simulator.shown("+12025550123")).toHaveLength(1);
  expect(await query(id)).toMatchObject({ messageState: 2, finalDate: later(60_000) });
});

test("a time that cannot be read refuses the text", async () => {
  const { gateway } = await connect();
  const answer = await gateway.submit("12025550123", { scheduleTime: "tomorrow" });
  expect(answer).toMatchObject({ status: statuses.invalidScheduleTime });
});

test("a cancelled text never goes out, and its receipt says deleted", async () => {
  const { time, simulator, idOf, query, ask, receipts } = await connect();
  const id = await idOf("12025550123", { scheduleTime: later(60_000) });
  const cancel = { command: "cancel_sm", messageId: id, source, dest: "12025550123" };
  expect(await ask(cancel)).toMatchObject({ status: statuses.ok });
  expect(await query(id)).toMatchObject({ messageState: 4 });
  await expect.poll(() => receipts().length, patient).toBe(1);
  expect(receipts()[0]?.shortMessage.toString()).toContain(`id:${id} `);
  expect(receipts()[0]?.shortMessage.toString()).toContain("stat:DELETED");
  time.nowMs += 60_000;
  await idOf("12025550124");
  await expect.poll(() => receipts().length, patient).toBe(2);
  expect(simulator.shown("+12025550123")).toEqual([]);
  expect(await ask(cancel)).toMatchObject({ status: statuses.cancelFailed });
});

test("a cancelled text that a phone out of reach waits for is expired no more", async () => {
  const { time, idOf, ask, receipts, simulator } = await connect();
  const id = await idOf("12025559902", {});
  const slow = await connect({ receiptDelayMs: 10_000 });
  const waiting = await slow.idOf("12025559902");
  const cancel = { command: "cancel_sm", source, dest: "12025559902" };
  expect(await slow.ask({ ...cancel, messageId: waiting })).toMatchObject({ status: 0 });
  await expect.poll(() => slow.receipts().length, patient).toBe(1);
  slow.time.nowMs += 60_000;
  await slow.idOf("12025550123");
  slow.time.nowMs += 60_000;
  await expect.poll(() => slow.receipts().length, patient).toBe(2);
  expect(slow.receipts().map((pdu) => /stat:(\w+)/.exec(pdu.shortMessage.toString())?.[1])).toEqual(
    ["DELETED", "DELIVRD"],
  );
  time.nowMs += 60_000;
  await expect.poll(() => receipts().length, patient).toBe(1);
  expect(await ask({ ...cancel, messageId: id })).toMatchObject({ status: statuses.cancelFailed });
  const state = async (httpPort: number) =>
    (await fetch(`http://127.0.0.1:${httpPort}/state`)).json();
  await expect.poll(() => state(slow.simulator.httpPort), patient).toMatchObject({ pending: 0 });
  await expect.poll(() => state(simulator.httpPort), patient).toMatchObject({ pending: 0 });
});

test("cancel_sm without an id cancels all between two numbers, of one service", async () => {
  const { ask, idOf, query } = await connect();
  const scheduleTime = later(60_000);
  const first = await idOf("12025550123", { scheduleTime });
  const second = await idOf("12025550123", { scheduleTime });
  const others = [
    await idOf("12025550123", { scheduleTime, serviceType: "CMT" }),
    await idOf("12025550124", { scheduleTime }),
  ];
  const cancel = { command: "cancel_sm", messageId: "", source, dest: "12025550123" };
  expect(await ask(cancel)).toMatchObject({ status: statuses.ok });
  const states = [];
  for (const id of [first, second, ...others]) states.push((await query(id)).messageState);
  expect(states).toEqual([4, 4, 1, 1]);
  expect(await ask(cancel)).toMatchObject({ status: statuses.cancelFailed });
});

test("replace_sm changes a text's body and time until it goes out", async () => {
  const { ask, time, simulator, idOf, receipts } = await connect();
  const id = await idOf("12025550123", { scheduleTime: later(60_000) });
  const replace = (fields: object) =>
    ask({ command: "replace_sm", messageId: id, source, registeredDelivery: 1, ...fields });
  const shortMessage = Buffer.from("Changed");
  const changed = { shortMessage, scheduleTime: later(120_000) };
  expect(await replace(changed)).toMatchObject({ command: "replace_sm_resp", status: statuses.ok });
  expect(await replace({ shortMessage, scheduleTime: "soon" })).toMatchObject({
    status: statuses.invalidScheduleTime,
  });
  time.nowMs += 60_000;
  await idOf("12025550124");
  await expect.poll(() => receipts().length, patient).toBe(1);
  expect(simulator.shown("+12025550123")).toEqual([]);
  time.nowMs += 60_000;
  await expect.poll(() => receipts().length, patient).toBe(2);
  expect(simulator.shown("+12025550123").map(({ body }) => body)).toEqual(["Changed"]);
  expect(await replace({ shortMessage })).toMatchObject({ status: statuses.replaceFailed });
});

test("submit_multi reaches each number under one id, and names who was refused", async () => {
  const { ask, simulator, receipts } = await connect();
  const address = (last: string) => ({
    kind: "address",
    ton: 1,
    npi: 1,
    address: `1202555${last}`,
  });
  const destinations = [
    address("0123"),
    address("9904"),
    { kind: "list", name: "all" },
    address("0124"),
  ];
  const multi = { command: "submit_multi", source, registeredDelivery: 1, destinations };
  const answer = await ask({ ...multi, shortMessage: Buffer.from("Hello") });
  expect(answer).toMatchObject({
    ...{ command: "submit_multi_resp", status: 0, messageId: expect.stringMatching(/^\d{16}$/) },
    unsuccesses: [
      { ton: 1, npi: 1, address: "12025559904", status: statuses.invalidDestination },
      { ton: 0, npi: 0, address: "all", status: statuses.invalidListName },
    ],
  });
  await expect.poll(() => receipts().length, patient).toBe(2);
  for (const pdu of receipts())
    expect(pdu.shortMessage.toString()).toContain(`id:${answer.messageId} `);
  for (const last of ["0123", "0124"]) expect(simulator.shown(`+1202555${last}`)).toHaveLength(1);
  const nobody = await ask({ ...multi, destinations: [address("9904")] });
  expect(nobody).toMatchObject({ status: statuses.submitFailed });
});

test("data_sm brings a text as submit_sm does", async () => {
  const { ask, simulator, receipts } = await connect();
  const answer = await ask({
    ...{ command: "data_sm", source, destTon: 1, dest: "12025550123", registeredDelivery: 1 },
    tlvs: new Map([[tlvs.message_payload, Buffer.from("Hello")]]),
  });
  expect(answer).toMatchObject({ command: "data_sm_resp", status: 0 });
  await expect.poll(() => receipts().length, patient).toBe(1);
  expect(simulator.shown("+12025550123")[0]?.body).toBe("Hello");
  expect(
    await ask({ command: "data_sm", source, dest: "12025559904", tlvs: new Map() }),
  ).toMatchObject({ command: "data_sm_resp", status: statuses.invalidDestination });
});

test("a receiver manages nothing", async () => {
  const simulator = await startNetwork();
  const { session } = await bindTo(simulator, { command: "bind_receiver" });
  const answer = await new Promise((done) =>
    session.request(
      { command: "query_sm", status: 0, sequence: 0, messageId: "1", ...emptyMessage },
      done,
    ),
  );
  expect(answer).toMatchObject({ command: "query_sm_resp", status: statuses.invalidBindStatus });
});
