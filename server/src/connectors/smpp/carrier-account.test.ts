import { afterEach, expect, test } from "vitest";
import { createQueue } from "../../../test/queue.ts";
import {
  closeAll,
  deliver,
  receipt,
  startCarrier,
  startConnector,
  submission,
  waitUntil,
} from "../../../test/smpp-carrier.ts";
import { emptyMessage, statuses, tlvs } from "../../smpp/pdus.ts";
import type { Receipt } from "../connector.ts";

afterEach(closeAll);

test("a bind sends no more in a second than its carrier allows, and says when it may again", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port, { segmentsPerSecond: 2 });
  await ready.next();
  const accepted = { kind: "accepted" };
  const untilFree = async () => {
    while (connector.freeSlots() === 0) await ready.next();
    return connector.freeSlots();
  };
  expect(await untilFree()).toBe(2);
  const startedAt = performance.now();
  const both = [connector.submit(submission), connector.submit(submission)];
  expect(connector.freeSlots()).toBe(0);
  expect(await connector.submit(submission)).toMatchObject({ kind: "unavailable" });
  expect(await Promise.all(both)).toMatchObject([accepted, accepted]);
  expect(await untilFree()).toBeGreaterThan(0);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  expect(await connector.submit(submission)).toMatchObject(accepted);
});

test("a wrong password is told once in the log, not at each attempt", async () => {
  const carrier = await startCarrier();
  carrier.refuseBinds(statuses.invalidPassword);
  const alerts: string[] = [];
  const onAlert = (_name: string, sentence: string) => alerts.push(sentence);
  const { connector } = startConnector(
    carrier.port,
    { binds: [{}, { as: "receiver" }] },
    { onAlert },
  );
  await carrier.binds.next();
  await carrier.binds.next();
  await waitUntil(() => alerts.length === 2);
  expect(connector.state().phase).toBe("reconnecting");
  for (const alert of alerts) expect(alert).toMatch(/0xe.*password/s);
  expect(alerts.join()).not.toContain("secret");
});

test("a receipt that gives our reference back finds its submission, whatever its id", async () => {
  const receipts = createQueue<Receipt>();
  const onReceipt = async (_name: string, one: Receipt) => receipts.add(one);
  const carrier = await startCarrier();
  const settings = { userMessageReference: true };
  const { connector, ready } = startConnector(carrier.port, settings, { onReceipt });
  await ready.next();
  await connector.submit(submission);
  const reference = (await carrier.submits.next()).tlvs.get(tlvs.user_message_reference);
  expect(reference).toEqual(Buffer.from([0, 1]));
  const { session } = await carrier.binds.next();
  const shortMessage = Buffer.from("id:another done date:2611241200 stat:DELIVRD");
  const withReference = new Map([[tlvs.user_message_reference, reference ?? Buffer.alloc(0)]]);
  await deliver(session, { ...receipt, shortMessage, tlvs: withReference });
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "m1" });
  await deliver(session, { ...receipt, shortMessage, tlvs: withReference, source: "15550199" });
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "another" });
});

test("binds over two hosts are one account: what one host takes, the other reports", async () => {
  const [here, there] = [await startCarrier(), await startCarrier()];
  const received = createQueue<Receipt>();
  const binds = [{ as: "transmitter" }, { as: "receiver", host: "localhost", port: there.port }];
  const { connector, ready } = startConnector(
    here.port,
    { binds },
    { onReceipt: async (_name, told) => received.add(told) },
  );
  await ready.next();
  await ready.next();
  expect(await connector.submit(submission)).toMatchObject({ carrierMessageId: "m1" });
  expect((await here.binds.next()).bind.command).toBe("bind_transmitter");
  const { session, bind } = await there.binds.next();
  expect(bind.command).toBe("bind_receiver");
  await deliver(session, receipt);
  expect(await received.next()).toMatchObject({ carrierMessageId: "m1", status: "delivered" });
});

test("when one host goes, texts leave by the other and its bind is asked for again", async () => {
  const [here, there] = [await startCarrier(), await startCarrier()];
  const { connector, ready } = startConnector(here.port, { binds: [{}, { port: there.port }] });
  await ready.next();
  await ready.next();
  (await here.binds.next()).session.destroy();
  await waitUntil(() => connector.freeSlots() === 100);
  for (let text = 0; text < 3; text += 1) {
    expect(await connector.submit(submission)).toMatchObject({ kind: "accepted" });
  }
  for (let text = 0; text < 3; text += 1) await there.submits.next();
  expect((await here.binds.next()).bind.command).toBe("bind_transceiver");
});

test("each bind logs in, paces and writes by settings of its own where it has any", async () => {
  const [here, there] = [await startCarrier(), await startCarrier()];
  const own = { systemId: "us2", password: "other", window: 3, defaultAlphabet: "latin1" };
  const binds = [
    { window: 1 },
    { ...own, port: there.port, addressTypes: { international: { ton: 2 } } },
  ];
  const received = createQueue<string>();
  const { connector, ready } = startConnector(
    here.port,
    { binds, registeredDelivery: 17 },
    {
      onInbound: async (_name, { text }) => {
        received.add(text);
        return () => undefined;
      },
    },
  );
  await ready.next();
  await ready.next();
  expect(connector.state()).toMatchObject({ window: 4 });
  const [first, second] = [await here.binds.next(), await there.binds.next()];
  expect([first.bind, second.bind]).toMatchObject([
    { systemId: "us", password: "secret" },
    { systemId: "us2", password: "other" },
  ]);
  const text = { ...submission, text: "è" };
  await Promise.all([1, 2, 3, 4].map(() => connector.submit(text)));
  expect(await here.submits.next()).toMatchObject({
    ...{ sourceTon: 1, registeredDelivery: 17, shortMessage: Buffer.from([0x04]) },
  });
  expect(await there.submits.next()).toMatchObject({
    ...{ sourceTon: 2, registeredDelivery: 17, shortMessage: Buffer.from("è", "latin1") },
  });
  const fromPhone = { ...emptyMessage, source: "15550101", dest: "15550100" };
  await deliver(first.session, { ...fromPhone, shortMessage: Buffer.from([0x04]) });
  await deliver(second.session, { ...fromPhone, shortMessage: Buffer.from("è", "latin1") });
  expect([await received.next(), await received.next()]).toEqual(["è", "è"]);
});
