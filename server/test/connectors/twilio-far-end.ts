import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";
import { type Arrived, createArrivals, type FarEnd } from "./far-end.ts";
import { openHttpConnector } from "./http-far-end.ts";

/** The sender's number, which the account at Twilio holds. */
export const number = "+12025550101";

/** Twilio, as its local double has it. It tells of a text's end when it is asked to. */
export async function startTwilioFarEnd(): Promise<FarEnd> {
  const arrivals = createArrivals<Arrived>();
  const fake: FakeTwilio = await startFakeTwilio({ numbers: [{ phone_number: number }] });
  const { accountSid, authToken, url } = fake;
  const opened = await openHttpConnector({
    kind: "twilio",
    settings: {
      ...{ accountSid, authToken, baseUrl: url, window: 3, responseTimeoutMs: 1_000 },
    },
  });
  const [held] = fake.world.numbers;
  fake.world.numbers[0] = { ...held, sms_url: `${opened.url}/inbound` };
  let behaviour: ReturnType<FakeTwilio["behave"]>;
  fake.behave = (form) => {
    arrivals.add({ from: form.From ?? "", to: form.To ?? "", text: form.Body ?? "" });
    return behaviour;
  };
  return {
    connect: opened.connect,
    behave: (manner) => {
      behaviour = {
        accept: { kind: "take", ends: "nothing" } as const,
        refuse: { kind: "refuse", status: 400, code: 21211 } as const,
        throttle: { kind: "refuse", status: 429, code: 20429 } as const,
        silent: { kind: "silent" } as const,
      }[manner];
    },
    next: arrivals.next,
    tell: (status) => fake.end(status),
    receive: async (from, to, text) => (await fake.receive(from, to, text)) === 204,
    vanish: fake.close,
    close: async () => {
      await opened.close();
      await fake.close();
    },
  };
}
