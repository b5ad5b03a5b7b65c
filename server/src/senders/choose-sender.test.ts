import { expect, test } from "vitest";
import { chooseSender, type Load } from "./choose-sender.ts";
import type { CarriedSender, Sender } from "./sender.ts";
import { type AlphaSender, isAlphaName } from "./service.ts";

const at = new Date("2026-11-24T00:00:00Z");
const number = (digits: string, changes: Partial<Sender> = {}): Sender => ({
  ...{ number: digits, kind: "long_code", country: "US", connector: "c", segmentsPerSecond: 1 },
  ...{ maxQueueSeconds: 1_000, canMms: false, sid: `PN${digits}`, account: 1, service: "MG1" },
  ...{ inServiceSince: at, friendlyName: "", smsUrl: "", smsMethod: "POST", smsFallbackUrl: "" },
  ...{ smsFallbackMethod: "POST", createdAt: at, updatedAt: at },
  ...changes,
});
const name = (text: string, country: string | null = null): AlphaSender => ({
  ...{ sid: `AI${text}`, service: "MG1", name: text, country, createdAt: at },
});

const denver = number("+13035550100");
const boston = number("+16175550100");
const tollFree = number("+18885550100", { kind: "toll_free", segmentsPerSecond: 3 });
const shortCode = number("12345", { kind: "short_code", segmentsPerSecond: 100 });
const london = number("+442071838750", { country: "GB", segmentsPerSecond: 10 });
const toUs = "+12125550123";
const toDenver = "+13035550123";
const toGermany = "+4915112345678";
const toBritain = "+447400123456";

type Pool = {
  readonly numbers?: readonly Sender[];
  readonly alphaSenders?: readonly AlphaSender[];
  readonly stickySender?: boolean;
  readonly areaCodeGeomatch?: boolean;
};
type Asked = {
  readonly recipient: string;
  readonly sticky?: string;
  readonly segments?: number;
  readonly loads?: Readonly<Record<string, Partial<Load> | "no connector">>;
  readonly forbidden?: string;
  readonly fallback?: CarriedSender;
};

function choose(
  pool: Pool,
  { recipient, sticky, segments = 1, loads = {}, forbidden, fallback }: Asked,
) {
  const { numbers = [], alphaSenders = [] } = pool;
  const service = { stickySender: true, areaCodeGeomatch: true, ...pool, numbers, alphaSenders };
  return chooseSender(
    service,
    { recipient, segments, sticky, fallback },
    {
      nameOf: (text): CarriedSender | undefined =>
        isAlphaName(text)
          ? {
              ...{ number: text, kind: "name", country: "", service: null, connector: "c" },
              ...{ segmentsPerSecond: 10, maxQueueSeconds: 1_000 },
            }
          : undefined,
      isAllowed: (sender) => sender.number !== forbidden,
      loadOf: (sender) => {
        const load = loads[sender.number];
        return load === "no connector" ? undefined : { depth: 0, lastChosen: 0, ...load };
      },
    },
  );
}

const chosen: [string, Pool, Asked, string, string][] = [
  [
    "the sender that the recipient knows",
    { numbers: [shortCode, denver, boston] },
    { recipient: toDenver, sticky: boston.number },
    ...([boston.number, "sticky"] as const),
  ],
  [
    "another when the known one has left the pool",
    { numbers: [denver] },
    { recipient: toUs, sticky: boston.number },
    ...([denver.number, "number at home"] as const),
  ],
  [
    "no known one where stickiness is off",
    { numbers: [denver, boston], stickySender: false },
    { recipient: toDenver, sticky: boston.number },
    ...([denver.number, "area code"] as const),
  ],
  [
    "a short code before numbers at home",
    { numbers: [denver, shortCode, tollFree] },
    { recipient: toDenver },
    ...([shortCode.number, "short code at home"] as const),
  ],
  [
    "a number of the recipient's country before a name",
    { numbers: [denver, london], alphaSenders: [name("Longwave")] },
    { recipient: toBritain },
    ...([london.number, "number at home"] as const),
  ],
  [
    "a name before a number from abroad",
    { numbers: [denver, shortCode], alphaSenders: [name("Longwave")] },
    { recipient: toGermany },
    ...(["Longwave", "name"] as const),
  ],
  [
    "the name of the recipient's country before that of all",
    { alphaSenders: [name("Longwave"), name("Welle", "DE")] },
    { recipient: toGermany },
    ...(["Welle", "name"] as const),
  ],
  [
    "a number from abroad where nothing else goes",
    { numbers: [shortCode, tollFree, denver] },
    { recipient: toGermany },
    ...([denver.number, "number abroad"] as const),
  ],
  [
    "the text's fallback where nobody in the pool reaches the recipient",
    { numbers: [shortCode] },
    { recipient: toGermany, fallback: denver },
    ...([denver.number, "fallback"] as const),
  ],
  [
    "the text's fallback where the queues of the pool are full",
    { numbers: [denver] },
    { recipient: toUs, fallback: boston, loads: { [denver.number]: { depth: 1_000 } } },
    ...([boston.number, "fallback"] as const),
  ],
  [
    "the pool before the text's fallback, though that is sticky",
    { numbers: [london] },
    { recipient: toUs, fallback: boston, sticky: boston.number },
    ...([london.number, "number abroad"] as const),
  ],
  [
    "the recipient's area code among numbers at home",
    { numbers: [boston, denver] },
    { recipient: toDenver, loads: { [denver.number]: { depth: 50 } } },
    ...([denver.number, "area code"] as const),
  ],
  [
    "no area code where that is off",
    { numbers: [boston, denver], areaCodeGeomatch: false },
    { recipient: toDenver, loads: { [denver.number]: { depth: 50 } } },
    ...([boston.number, "number at home"] as const),
  ],
  [
    "the queue that ends first, by its rate",
    { numbers: [denver, tollFree] },
    {
      recipient: toUs,
      loads: { [denver.number]: { depth: 2 }, [tollFree.number]: { depth: 5 } },
    },
    ...([tollFree.number, "number at home"] as const),
  ],
  [
    "of idle ones the one that rested longest",
    { numbers: [denver, boston] },
    {
      recipient: toUs,
      loads: { [denver.number]: { lastChosen: 2 }, [boston.number]: { lastChosen: 1 } },
    },
    ...([boston.number, "number at home"] as const),
  ],
  [
    "the next rank when a queue is full",
    { numbers: [shortCode, denver] },
    { recipient: toUs, loads: { [shortCode.number]: { depth: 100_000 } } },
    ...([denver.number, "number at home"] as const),
  ],
  [
    "what has a connector",
    { numbers: [denver, boston] },
    { recipient: toDenver, loads: { [denver.number]: "no connector" } },
    ...([boston.number, "number at home"] as const),
  ],
  [
    "what the rules allow",
    { numbers: [denver, boston] },
    { recipient: toDenver, forbidden: denver.number },
    ...([boston.number, "number at home"] as const),
  ],
];

test.each(chosen)("a service chooses %s", (_name, pool, asked, sender, rule) => {
  expect(choose(pool, asked)).toMatchObject({ kind: "chosen", sender: { number: sender }, rule });
});

test("the choice tells its candidates and why others were passed over", () => {
  const pool = { numbers: [london, shortCode, denver, boston, tollFree] };
  const loads = { [boston.number]: { depth: 4 }, [denver.number]: { depth: 2 } };
  expect(choose(pool, { recipient: toBritain, loads })).toMatchObject({
    candidates: [{ sender: london.number, queueS: 0 }],
    excluded: { "short code abroad": 1, "toll-free abroad": 1 },
  });
  const abroad = { numbers: [denver, boston] };
  expect(choose(abroad, { recipient: toBritain, loads })).toMatchObject({
    candidates: [
      { sender: denver.number, queueS: 2 },
      { sender: boston.number, queueS: 4 },
    ],
  });
});

const none: [string, Pool, Asked, number][] = [
  ["without senders", {}, { recipient: toUs }, 21704],
  ["with a short code abroad", { numbers: [shortCode] }, { recipient: toGermany }, 21703],
  ["with a name where none is taken", { alphaSenders: [name("Wave")] }, { recipient: toUs }, 21703],
  [
    "whose queues are full",
    { numbers: [denver, shortCode] },
    { recipient: toGermany, segments: 2, loads: { [denver.number]: { depth: 999 } } },
    30001,
  ],
];

test.each(none)("a service %s has no sender for a text", (_name, pool, asked, errorCode) => {
  expect(choose(pool, asked)).toMatchObject({ kind: "none", errorCode });
});
