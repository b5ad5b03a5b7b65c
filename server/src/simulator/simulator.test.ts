import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { bindTo, startNetwork } from "../../test/gateway.ts";
import { closeAll, closeLater } from "../../test/smpp-carrier.ts";
import { type DeliverSm, type Pdu, statuses } from "../smpp/pdus.ts";
import { SmppNoAnswer } from "../smpp/session.ts";

afterEach(closeAll);

const receiptsIn = (heard: readonly (DeliverSm | Pdu)[]) =>
  heard.filter((pdu) => pdu.command === "deliver_sm").length;

test("only its credentials open a bind", async () => {
  const simulator = await startNetwork({ systemId: "gateway", password: "secret" });
  expect((await bindTo(simulator)).status).toBe(statuses.invalidSystemId);
  expect((await bindTo(simulator, { systemId: "gateway" })).status).toBe(statuses.invalidPassword);
  const bound = await bindTo(simulator, { systemId: "gateway", password: "secret" });
  expect(bound.status).toBe(statuses.ok);
});

test("a receipt may come before the answer to its submission", async () => {
  const gateway = await bindTo(await startNetwork());
  await gateway.submit("12025559908");
  expect(gateway.heard.map(({ command }) => command)).toEqual(["deliver_sm", "submit_sm_resp"]);
});

test("receipts go to the bind that receives", async () => {
  const simulator = await startNetwork();
  const transmitter = await bindTo(simulator, { command: "bind_transmitter" });
  const receiver = await bindTo(simulator, { command: "bind_receiver" });
  await transmitter.submit("12025550123");
  await expect.poll(() => receiptsIn(receiver.heard)).toBe(1);
  expect(receiptsIn(transmitter.heard)).toBe(0);
});

test("what waits for a bind comes over a restart, once, with its id", async () => {
  const stateFolder = await mkdtemp(join(tmpdir(), "longwave-simulator-"));
  closeLater(() => rm(stateFolder, { recursive: true }));
  const simulator = await startNetwork({ stateFolder });
  const transmitter = await bindTo(simulator, { command: "bind_transmitter" });
  const answer = await transmitter.submit("12025550123");
  const id = answer instanceof SmppNoAnswer || !("messageId" in answer) ? "" : answer.messageId;
  await simulator.close();
  const again = await startNetwork({ stateFolder });
  const receiver = await bindTo(again);
  await expect.poll(() => receiptsIn(receiver.heard)).toBe(1);
  const [receipt] = receiver.heard;
  expect((receipt as DeliverSm).shortMessage.toString()).toContain(`id:${id} `);
  const state = () => fetch(`http://127.0.0.1:${again.httpPort}/state`).then((it) => it.json());
  await expect.poll(state).toMatchObject({ brought: 1, pending: 0, lost: 0 });
});

test("an outage drops the binds and lets nobody in, until it is over", async () => {
  let nowMs = Date.parse("2026-11-24T09:30:00Z");
  const simulator = await startNetwork({ now: () => nowMs, scenario: "outage" });
  const gateway = await bindTo(simulator);
  expect(gateway.status).toBe(statuses.ok);
  nowMs += 45_000;
  await gateway.closed;
  expect((await bindTo(simulator)).status).toBeUndefined();
  nowMs += 15_000;
  expect((await bindTo(simulator)).status).toBe(statuses.ok);
});

test("five hundred submissions without an answer end the connection, not the simulator", async () => {
  const simulator = await startNetwork();
  const gateway = await bindTo(simulator);
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => gateway.submit("12025559917")),
  );
  expect(answers.every((answer) => answer instanceof SmppNoAnswer)).toBe(true);
  expect((await bindTo(simulator)).status).toBe(statuses.ok);
});

test("the scenario is read and chosen over HTTP, and a wrong name says the right ones", async () => {
  const simulator = await startNetwork();
  const url = `http://127.0.0.1:${simulator.httpPort}/scenario`;
  const choose = (name: string) => fetch(url, { method: "POST", body: JSON.stringify({ name }) });
  expect(await (await fetch(url)).json()).toMatchObject({ name: "calm" });
  expect(await (await choose("congested")).json()).toMatchObject({ throttledAbove: 10 });
  expect(await (await fetch(url)).json()).toMatchObject({ name: "congested" });
  const refused = await choose("stormy");
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: expect.stringContaining("congested") });

  const gateway = await bindTo(simulator);
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => gateway.submit("12025550123")),
  );
  const throttled = answers.filter((answer) => "status" in answer && answer.status === 0x58);
  // Sixty at once meet one second, or two when it turns meanwhile.
  expect(throttled.length).toBeGreaterThanOrEqual(40);
});

test("a bind has a scenario of its own, by its system_type or over HTTP", async () => {
  const simulator = await startNetwork();
  const strict = await bindTo(simulator, { systemType: "text,congested" });
  const calm = await bindTo(simulator);
  const throttled = async ({ submit }: typeof strict) => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => submit("12025550123")));
    return answers.filter((answer) => "status" in answer && answer.status === 0x58).length;
  };
  expect(await throttled(strict)).toBeGreaterThanOrEqual(20);
  expect(await throttled(calm)).toBe(0);
  const choose = (bind: number) =>
    fetch(`http://127.0.0.1:${simulator.httpPort}/scenario`, {
      ...{ method: "POST", body: JSON.stringify({ name: "congested", bind }) },
    });
  expect(await (await choose(2)).json()).toMatchObject({ name: "congested" });
  expect(await throttled(calm)).toBeGreaterThanOrEqual(20);
  expect((await choose(99)).status).toBe(400);
  expect(await throttled(await bindTo(simulator))).toBe(0);
});

test("submissions are listed with sender, recipient, id, time and part", async () => {
  const simulator = await startNetwork();
  const gateway = await bindTo(simulator);
  const answer = await gateway.submit("12025550123");
  const log = await fetch(`http://127.0.0.1:${simulator.httpPort}/submissions?after=0`);
  expect(await log.json()).toEqual([
    {
      ...{ sequence: 1, atMs: expect.any(Number), bind: 1, reference: 0, part: 1, parts: 1 },
      ...{ from: "15005550100", to: "12025550123" },
      id: "messageId" in answer ? answer.messageId : undefined,
    },
  ]);
});

test("a web page of another site cannot text from a phone", async () => {
  const simulator = await startNetwork();
  const post = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${simulator.httpPort}/phones/12025550123/messages`, {
      ...{ method: "POST", headers, body: JSON.stringify({ to: "+15005550100", body: "Hi" }) },
    });
  expect((await post({ "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await post({})).status).toBe(202);
});
