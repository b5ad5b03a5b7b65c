import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { encodeText } from "../connectors/smpp/text.ts";
import { emptyMessage, type ShortMessage, tlvs } from "../smpp/pdus.ts";
import { type Carrier, createCarrier } from "./carrier.ts";
import { type Delivery, messageOf } from "./delivery.ts";
import { createMemoryJournal, type Journal, openJournal } from "./journal.ts";
import { createNetwork } from "./network.ts";
import { createPhones } from "./phones.ts";
import type { ScenarioName } from "./scenarios.ts";

const startMs = Date.parse("2026-11-24T09:30:00Z");
const folder = mkdtempSync(join(tmpdir(), "longwave-carrier-"));
afterAll(() => rmSync(folder, { recursive: true }));

function carrierOf(
  options: { journal?: Journal; scenario?: ScenarioName; seed?: number; pendingMax?: number } = {},
) {
  const { seed = 1, scenario = "calm", journal = createMemoryJournal(startMs) } = options;
  const network = createNetwork({ seed, receiptDelayMs: 500, scenario, nowMs: startMs });
  const phones = createPhones();
  const bound = options.pendingMax === undefined ? {} : { pendingMax: options.pendingMax };
  return { ...createCarrier({ network, phones, journal, ...bound }), phones };
}

function submission(recipient: string, text = "Hello", fields: Partial<ShortMessage> = {}) {
  return {
    ...emptyMessage,
    ...{ sourceTon: 1, sourceNpi: 1, source: "15005550100", destTon: 1, destNpi: 1 },
    ...{ dest: recipient, registeredDelivery: 1, shortMessage: Buffer.from(text), ...fields },
  };
}

/** Takes and acknowledges everything until the end of days. */
function playOut(carrier: Carrier): { atMs: number; delivery: Delivery }[] {
  const seen: { atMs: number; delivery: Delivery }[] = [];
  for (let atMs = carrier.nextAt(); atMs !== undefined; atMs = carrier.nextAt()) {
    for (const delivery of carrier.take(atMs, 100)) {
      carrier.settle(delivery);
      seen.push({ atMs, delivery });
    }
  }
  return seen;
}

test("a day of a flaky network plays in virtual time, the same for the same seed", () => {
  const play = (seed: number) => {
    const carrier = carrierOf({ scenario: "flaky", seed });
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      const recipient = String(12_025_559_000 + (minute % 1_000));
      const answer = carrier.submit(1, submission(recipient), startMs + minute * 60_000);
      if (answer.kind === "accepted") answer.early.forEach(carrier.settle);
    }
    return { seen: playOut(carrier), counts: carrier.counts() };
  };
  expect(play(7)).toEqual(play(7));
  expect(play(7).seen).not.toEqual(play(8).seen);
  expect(play(7).counts).toMatchObject({ pending: 0, lost: 0 });
});

test("a receipt names its submission, the phone and the state, in text and in parameters", () => {
  const carrier = carrierOf();
  const answer = carrier.submit(1, submission("12025559901"), startMs);
  if (answer.kind !== "accepted") throw new Error(answer.kind);
  const [seen] = playOut(carrier);
  const pdu = messageOf(seen?.delivery as Delivery);
  expect(pdu).toMatchObject({ esmClass: 4, source: "12025559901", dest: "15005550100" });
  expect(pdu.shortMessage.toString()).toBe(
    `id:${answer.messageId} sub:001 dlvrd:000 submit date:2611240930 done date:2611240930 stat:UNDELIV err:001 text:`,
  );
  expect(pdu.tlvs.get(tlvs.receipted_message_id)?.toString()).toBe(`${answer.messageId}\0`);
  expect(pdu.tlvs.get(tlvs.message_state)?.[0]).toBe(5);
});

test("a hexadecimal id in the answer is the receipt's decimal one, which has no parameters", () => {
  const carrier = carrierOf({ scenario: "hex" });
  const answer = carrier.submit(1, submission("12025550123"), startMs);
  if (answer.kind !== "accepted") throw new Error(answer.kind);
  expect(answer.messageId).toMatch(/^[0-9a-f]*[a-f][0-9a-f]*$/);
  const pdu = messageOf(playOut(carrier)[0]?.delivery as Delivery);
  const id = /^id:(\d+) /.exec(pdu.shortMessage.toString())?.[1];
  expect(Number(id)).toBe(Number.parseInt(answer.messageId, 16));
  expect(pdu.tlvs.size).toBe(0);
});

test.each([
  [0, "12025550123", 0],
  [1, "12025550123", 1],
  [1, "12025559901", 1],
  [2, "12025550123", 0],
  [2, "12025559901", 1],
  [3, "12025550123", 1],
  [3, "12025559901", 0],
])("registered_delivery %i to %s asks for %i receipts", (registeredDelivery, to, receipts) => {
  const carrier = carrierOf();
  carrier.submit(1, submission(to, "Hello", { registeredDelivery }), startMs);
  expect(playOut(carrier)).toHaveLength(receipts);
});

test("a receipt may be asked of each part and come for the last alone", () => {
  const receiptsTo = (dest: string) => {
    const carrier = carrierOf();
    for (const part of [1, 2, 3]) {
      const text = Buffer.from([5, 0, 3, 7, 3, part, 0x41]);
      carrier.submit(1, submission(dest, "", { esmClass: 0x40, shortMessage: text }), startMs);
    }
    return playOut(carrier).length;
  };
  expect([receiptsTo("12025559937"), receiptsTo("12025550123")]).toEqual([1, 3]);
});

test("an answer that comes late says how late", () => {
  const answer = carrierOf().submit(1, submission("12025559927"), startMs);
  expect(answer).toMatchObject({ kind: "accepted", answerMs: 15_000 });
});

test("what is not acknowledged comes again", () => {
  const carrier = carrierOf();
  carrier.inject({ from: "+12025550123", to: "+15005550100", body: "Hello" }, startMs);
  const [first] = carrier.take(startMs, 10);
  carrier.again(first as Delivery, startMs);
  expect(carrier.take(startMs + 1_990, 10)).toEqual([]);
  expect(carrier.take(startMs + 2_000, 10)).toEqual([first]);
});

test("a person answers a long text once, and the same sender once a minute", () => {
  const carrier = carrierOf();
  const send = (atMs: number) => {
    for (const part of [1, 2]) {
      const submitted = encodeText({
        ...{ id: 0n, part, parts: 2, attempt: 1, encoding: "GSM-7", text: `part ${part} ` },
        ...{ sender: "", recipient: "", reference: 7, validUntil: new Date(0) },
      });
      const fields = { ...submitted, registeredDelivery: 0 };
      carrier.submit(1, submission("12025559911", "", fields), atMs);
    }
  };
  send(startMs);
  send(startMs + 59_999);
  send(startMs + 60_000);
  expect(carrier.phones.shown("+12025559911")[0]?.body).toBe("part 1 part 2 ");
  const replies = playOut(carrier);
  expect(replies.map(({ atMs }) => atMs - startMs)).toEqual([1_000, 61_000]);
  expect(replies[0]?.delivery).toMatchObject({ from: "+12025559911", text: "Thanks!" });
});

test("beyond the bound the oldest that waits is lost", () => {
  const carrier = carrierOf({ pendingMax: 100 });
  for (let index = 0; index < 102; index += 1) {
    carrier.inject({ from: "+12025550123", to: "+15005550100", body: `${index}` }, startMs);
  }
  expect(carrier.counts()).toMatchObject({ pending: 100, lost: 2 });
  expect(carrier.take(startMs, 1)).toMatchObject([{ text: "2" }]);
});

test("what waits outlives a kill, with its time, and ids go on", async () => {
  const [home, copy] = [join(folder, "kill"), join(folder, "kill-copy")];
  const journal = openJournal(home, startMs);
  const carrier = carrierOf({ journal });
  const first = carrier.submit(1, submission("12025559906"), startMs);
  carrier.submit(1, submission("12025559901"), startMs);
  carrier.inject({ from: "+12025550123", to: "+15005550100", body: "Grüße" }, startMs);
  for (const delivery of carrier.take(startMs + 10, 10)) carrier.settle(delivery);
  await turnOfEventLoop();
  // The files as they are now are what a killed process leaves behind.
  cpSync(home, copy, { recursive: true, filter: (file) => !file.endsWith(".pid") });
  appendFileSync(join(copy, "pending.journal"), '+{"dueMs":1,"del');
  journal.close();

  const again = openJournal(copy, startMs - 1_000);
  const revived = carrierOf({ journal: again });
  expect(revived.counts().pending).toBe(2);
  const next = revived.submit(1, submission("12025550123"), startMs);
  if (first.kind !== "accepted" || next.kind !== "accepted") throw new Error("refused");
  expect(next.id).toBeGreaterThan(first.id + 1);
  const seen = playOut(revived);
  expect(seen.map(({ delivery }) => messageOf(delivery).source)).toContain("12025559901");
  expect(seen.at(-1)).toMatchObject({
    ...{ atMs: startMs + 30_000, delivery: { messageId: first.messageId } },
  });
  again.close();
  expect(readFileSync(join(copy, "pending.journal"), "utf8")).toMatch(/^=\d+\n/);
});

test("a journal that has grown is written anew with what still waits", async () => {
  const home = join(folder, "grown");
  const journal = openJournal(home, startMs, { fileBytesMax: 10_000 });
  const carrier = carrierOf({ journal });
  carrier.submit(1, submission("12025559906"), startMs);
  for (let index = 0; index < 100; index += 1) {
    carrier.inject({ from: "+12025550123", to: "+15005550100", body: "Hello" }, startMs);
    for (const delivery of carrier.take(startMs, 10)) carrier.settle(delivery);
    await turnOfEventLoop();
  }
  expect(statSync(join(home, "pending.journal")).size).toBeLessThan(11_000);
  journal.close();
  const again = openJournal(home, startMs);
  expect(again.found()).toMatchObject([{ dueMs: startMs + 30_000 }]);
  again.close();
});

test("two simulators cannot share a folder", () => {
  const home = join(folder, "shared");
  const journal = openJournal(home, startMs);
  expect(() => openJournal(home, startMs)).toThrow(/Another Longwave/);
  journal.close();
  openJournal(home, startMs).close();
});
