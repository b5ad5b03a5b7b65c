import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  Connector,
  ConnectorEvents,
  InboundPart,
  Receipt,
  Submission,
} from "../../src/connectors/connector.ts";
import { createArrivals, type FarEnd } from "./far-end.ts";
import { startSmppFarEnd } from "./smpp-far-end.ts";
import { startTelnyxFarEnd } from "./telnyx-far-end.ts";
import { number, startTwilioFarEnd } from "./twilio-far-end.ts";
import { startVonageFarEnd } from "./vonage-far-end.ts";

const phone = "+14155552671";
const farEnds = {
  smpp: startSmppFarEnd,
  twilio: startTwilioFarEnd,
  "http: telnyx": startTelnyxFarEnd,
  "http: vonage": startVonageFarEnd,
};

/** A code is Twilio's for what happened; which one depends on what the carrier says. */
const refusalCodes = { smpp: 30005, twilio: 21211, "http: telnyx": 21211, "http: vonage": 21211 };

describe.each(Object.keys(farEnds) as (keyof typeof farEnds)[])(
  "a connector of kind %s",
  (kind) => {
    let farEnd: FarEnd;
    let connector: Connector;
    let isStoring = true;
    const receipts = createArrivals<Receipt>();
    const texts = createArrivals<InboundPart>();
    const events: ConnectorEvents = {
      onReceipt: async (_name, receipt) => receipts.add(receipt),
      onInbound: async (_name, part) => {
        if (!isStoring) throw new Error("The database is away.");
        texts.add(part);
        return () => undefined;
      },
      onReady: () => undefined,
    };

    beforeEach(async () => {
      isStoring = true;
      farEnd = await farEnds[kind]();
      farEnd.behave("accept");
      connector = farEnd.connect(events);
      await expect.poll(() => connector.state().phase).toBe("bound");
    });
    afterEach(async () => {
      await connector.close();
      await farEnd.close();
    });

    /** Some tell on the way that the network has it. */
    const end = async () => {
      for (;;) {
        const receipt = await receipts.next();
        if (receipt.status !== "sent") return receipt;
      }
    };
    const send = (text: string) => connector.submit(submissionOf(text));

    test("brings a text as it is and says under which id the carrier has it", async () => {
      const sent = send("Your code is 483920 @ ¥ _{}");
      expect(await farEnd.next()).toEqual({
        from: number,
        to: phone,
        text: "Your code is 483920 @ ¥ _{}",
      });
      expect(await sent).toEqual({
        kind: "accepted",
        carrierMessageId: expect.stringMatching(/\w+/),
      });
    });

    test("brings a text that GSM-7 cannot write", async () => {
      void connector.submit({ ...submissionOf("Grüße 🎉 мир"), encoding: "UCS-2" });
      expect(await farEnd.next()).toMatchObject({ text: "Grüße 🎉 мир" });
    });

    test("tells of the end of a text by the id of its answer", async () => {
      const [result] = await Promise.all([send("Hello"), farEnd.next()]);
      await farEnd.tell("delivered");
      const carrierMessageId = result.kind === "accepted" ? result.carrierMessageId : "";
      expect(await end()).toMatchObject({
        carrierMessageId,
        status: "delivered",
        errorCode: undefined,
      });
    });

    test("tells of a failure by Twilio's code", async () => {
      await Promise.all([send("Hello"), farEnd.next()]);
      await farEnd.tell("undelivered");
      const { status, errorCode } = await end();
      expect([status, errorCode]).toEqual(["undelivered", expect.any(Number)]);
      expect(errorCode).toBeGreaterThanOrEqual(21_000);
    });

    test("takes a refusal for a refusal, with Twilio's code and the carrier's own words", async () => {
      farEnd.behave("refuse");
      const refused = { kind: "refused", errorCode: refusalCodes[kind] };
      expect(await send("Hello")).toEqual({
        ...refused,
        carrierCode: expect.stringMatching(/\w+/),
      });
    });

    test("takes a throttling for a wait, not for a refusal", async () => {
      farEnd.behave("throttle");
      const result = await send("Hello");
      expect(result).toMatchObject({ kind: "throttled", retryAfterMs: expect.any(Number) });
      farEnd.behave("accept");
      expect(await send("Hello")).toMatchObject({ kind: "accepted" });
    });

    test("does not guess what became of a text whose answer never came", async () => {
      farEnd.behave("silent");
      expect(await send("Hello")).toMatchObject({ kind: "unknown" });
    });

    test("says that nothing left when nobody listens, and when it tries again", async () => {
      await farEnd.vanish();
      await expect.poll(async () => (await send("Hello")).kind).toBe("unavailable");
      const state = connector.state();
      expect(state).toMatchObject({ phase: "reconnecting", nextAttemptAt: expect.any(Date) });
      expect(connector.freeSlots()).toBe(0);
    });

    test("tells of a phone's text with both numbers, and the carrier when it is stored", async () => {
      expect(await farEnd.receive(phone, number, "Yes, at 5")).toBe(true);
      const { sender, recipient, text, part, total } = await texts.next();
      expect([sender, recipient].map((one) => one.replace("+", ""))).toEqual(
        [phone, number].map((one) => one.slice(1)),
      );
      expect({ text, part, total }).toEqual({ text: "Yes, at 5", part: 1, total: 1 });
    });

    test("does not say that a phone's text is stored when it is not", async () => {
      isStoring = false;
      expect(await farEnd.receive(phone, number, "Yes")).toBe(false);
    });

    test("has a slot less for each text under way", async () => {
      expect(connector.freeSlots()).toBe(3);
      farEnd.behave("silent");
      const sent = [send("one"), send("two")];
      expect(connector.freeSlots()).toBe(1);
      await Promise.all(sent);
    });

    test("takes nothing after it was closed", async () => {
      await connector.close();
      expect(connector.freeSlots()).toBe(0);
      expect(await send("Hello")).toMatchObject({ kind: "unavailable" });
      expect(connector.state()).toEqual({ phase: "stopped" });
    });
  },
);

function submissionOf(text: string): Submission {
  return {
    ...{ id: 77n, part: 1, parts: 1, attempt: 1, reference: 7, text, encoding: "GSM-7" },
    ...{ sender: number, recipient: phone, validUntil: new Date(Date.now() + 3_600_000) },
  };
}
