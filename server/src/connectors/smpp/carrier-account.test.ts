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
import { statuses, tlvs } from "../../smpp/pdus.ts";
import type { Receipt } from "../connector.ts";

afterEach(closeAll);

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
