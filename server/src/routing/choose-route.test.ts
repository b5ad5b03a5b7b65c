import { describe, expect, test } from "vitest";
import type { Connector, ConnectorState } from "../connectors/connector.ts";
import { connectorsFor, connectorsOfSender, firstUp, mayCarryMedia } from "./choose-route.ts";
import type { Route } from "./route.ts";

const sender = { number: "+12025550101", connector: "twilio" };
const recipients = Array.from({ length: 5_000 }, (_, index) => `+1415555${1_000 + index}`);

const bound: ConnectorState = { phase: "bound", window: 10, inFlight: 0 };
const connector = (name: string, of: Partial<Connector> = {}): [string, Connector] => [
  name,
  {
    ...{ name, carrierAccount: name, isSimulated: false, optOutsUpstream: false },
    ...{ freeSlots: () => 10, state: () => bound, close: () => Promise.resolve() },
    submit: () => Promise.reject(new Error("Nothing is sent here.")),
    ...of,
  },
];
const connectors = new Map([
  connector("twilio"),
  connector("smpp"),
  connector("other"),
  connector("simulator", { isSimulated: true }),
]);

const route = (of: Partial<Route>): Route => ({
  ...{ name: "r", connector: "smpp", priority: 10, percentage: 100, isEnabled: true },
  ...{ senders: [], countries: [], prefixes: [], networks: [] },
  ...of,
});

const networkOf = (recipient: string) => (recipient === phone ? "310260" : undefined);
const namesFor = (routes: readonly Route[], recipient: string, of = sender) =>
  connectorsFor(routes, { sender: of, recipient, networkOf }, connectors).map(({ name }) => name);

const [phone = ""] = recipients;

test.each([
  ["no route: the sender's own", {}, [], ["twilio"]],
  ["a route, then the sender's own", {}, [route({})], ["smpp", "twilio"]],
  ["a route of another sender", {}, [route({ senders: ["+12025550199"] })], ["twilio"]],
  ["a route that is disabled", {}, [route({ isEnabled: false })], ["twilio"]],
  ["a country", {}, [route({ countries: ["US"] })], ["smpp", "twilio"]],
  ["another country", {}, [route({ countries: ["DE"] })], ["twilio"]],
  ["a prefix", {}, [route({ prefixes: ["+1415"] })], ["smpp", "twilio"]],
  ["another prefix", {}, [route({ prefixes: ["+1416"] })], ["twilio"]],
  ["a network", {}, [route({ networks: ["310410", "310260"] })], ["smpp", "twilio"]],
  ["another network", {}, [route({ networks: ["310410"] })], ["twilio"]],
  [
    "the lowest priority first",
    {},
    [route({ priority: 1, connector: "other" }), route({})],
    ["other", "smpp", "twilio"],
  ],
  ["nobody's part: at last", {}, [route({ percentage: 0 })], ["twilio", "smpp"]],
  [
    "the simulator is no route of a real sender",
    {},
    [route({ connector: "simulator" })],
    ["twilio"],
  ],
  ["a simulated sender has no other", { connector: "simulator" }, [route({})], ["simulator"]],
  ["a connector that does not run", {}, [route({ connector: "gone" })], ["twilio"]],
] as const)("%s", (_name, of, routes, names) => {
  expect(namesFor(routes, phone, { ...sender, ...of })).toEqual(names);
});

describe("a percentage", () => {
  const firsts = (percentage: number) =>
    recipients.map((recipient) => namesFor([route({ percentage })], recipient)[0]);

  test.each([10, 50, 90])("of %i is that part of the recipients", (percentage) => {
    const moved = firsts(percentage).filter((name) => name === "smpp").length;
    expect(moved / recipients.length).toBeCloseTo(percentage / 100, 1);
  });

  test("that is raised moves nobody back", () => {
    const [before, after] = [firsts(10), firsts(40)];
    const back = before.filter((name, index) => name === "smpp" && after[index] !== "smpp");
    expect(back).toEqual([]);
  });

  test("is shared out among the routes of one priority", () => {
    const routes = [
      route({ name: "a", percentage: 60 }),
      route({ name: "b", percentage: 40, connector: "other" }),
    ];
    const counts = new Map<string, number>();
    for (const recipient of recipients) {
      const first = namesFor(routes, recipient)[0] ?? "";
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["other", "smpp"]);
    expect((counts.get("smpp") ?? 0) / recipients.length).toBeCloseTo(0.6, 1);
  });
});

test("a route of networks does not carry to a phone whose network is unknown", () => {
  const [, other = ""] = recipients;
  expect(namesFor([route({ networks: ["310260"] })], other)).toEqual(["twilio"]);
});

test("the first connector that is up carries; when none is, the first is waited for", () => {
  const down = { state: (): ConnectorState => ({ phase: "connecting" }) };
  const [, one] = connector("one", down);
  const [, two] = connector("two");
  expect(firstUp([one, two])?.name).toBe("two");
  expect(firstUp([one])?.name).toBe("one");
  expect(firstUp([])).toBeUndefined();
});

test("a sender's connectors are those of all its routes, whoever the recipient is", () => {
  const routes = [route({ countries: ["DE"], percentage: 5 }), route({ connector: "other" })];
  expect(connectorsOfSender(routes, sender, connectors).map(({ name }) => name)).toEqual([
    "smpp",
    "other",
    "twilio",
  ]);
});

test.each([
  ["its own connector", "twilio", [], true],
  ["none", "smpp", [], false],
  ["a route", "smpp", [route({ connector: "twilio" })], true],
  ["a route that is off", "smpp", [route({ connector: "twilio", isEnabled: false })], false],
  ["another's route", "smpp", [route({ connector: "twilio", senders: ["+1"] })], false],
  ["a route of a simulated sender", "simulator", [route({ connector: "twilio" })], false],
])("a sender's media may go by %s that carries media", (_name, own, routes, expected) => {
  const media = {
    isSimulated: (name: string) => name === "simulator",
    carriesMedia: (name: string) => name === "twilio",
  };
  expect(mayCarryMedia(routes, { ...sender, connector: own }, media)).toBe(expected);
});
