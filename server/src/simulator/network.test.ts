import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { statuses } from "../smpp/pdus.ts";
import { behaviours, states } from "./behaviours.ts";
import { createNetwork, type Network } from "./network.ts";
import { type ScenarioName, scenarioNames, scenarios } from "./scenarios.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/simulator.md"), "utf8");
const startMs = Date.parse("2026-11-24T09:30:00Z");

function network(scenario: ScenarioName = "calm", seed = 1): Network {
  return createNetwork({ seed, receiptDelayMs: 500, scenario, nowMs: startMs });
}

function submitTo(recipient: string, bind = 1) {
  return { bind, sender: "15005550100", recipient };
}

test("the page lists exactly the suffixes that the network knows", () => {
  const rows = [...page.matchAll(/^\| `(\d{4})` \| (.+) \|$/gm)].map(([, suffix, what]) => ({
    suffix,
    what,
  }));
  expect(rows).toEqual(behaviours.map(({ suffix, what }) => ({ suffix, what })));
});

test("the page's table of scenarios is the network's", () => {
  const percent = (share: number) => (share === 0 ? "–" : `${share * 100} %`);
  const rows = scenarioNames.map((name) => {
    const { throttledAbove, capPerDay, outage, receiptMs, ...shares } = scenarios[name];
    const cells = [
      ...[`\`${name}\``, throttledAbove ?? "–", capPerDay?.toLocaleString("en") ?? "–"],
      outage ? `${outage.lastsMs / 1000} of every ${outage.everyMs / 1000} s` : "–",
      receiptMs === undefined ? "as started" : `${receiptMs / 1000} s`,
      ...[shares.lateShare, shares.lostShare, shares.twiceShare].map(percent),
      ...[shares.undeliveredShare, shares.queueFullShare].map(percent),
      ...[shares.temporaryShare, shares.silentShare].map(percent),
      shares.ids === "hex" ? "hexadecimal" : "decimal",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const listed = page.split("\n").filter((line) => /^\| `[a-z]+` \|(.*\|){9}/.test(line));
  expect(listed).toEqual(rows);
});

test.each(scenarioNames)("the same seed and calls give the same reactions when %s", (name) => {
  const play = () => {
    const played = network(name, 7);
    return Array.from({ length: 500 }, (_none, index) =>
      played.react(submitTo(`1202555${1000 + index}`), startMs + index * 10),
    );
  };
  expect(play()).toEqual(play());
});

test("an ordinary phone gets the text and one receipt within the spread", () => {
  const reaction = network().react(submitTo("12025550123"), startMs);
  expect(reaction).toMatchObject({ status: 0, isShown: true, reply: undefined });
  expect(reaction.receipts).toHaveLength(1);
  expect(reaction.receipts[0]?.afterMs).toBeGreaterThanOrEqual(250);
  expect(reaction.receipts[0]?.afterMs).toBeLessThanOrEqual(750);
});

const ok = statuses.ok;
test.each([
  ["9901", { status: ok, isShown: false }, [states.undeliverable]],
  ["9904", { status: statuses.invalidDestination, isTaken: false }, []],
  ["9905", { status: statuses.throttled, isTaken: false }, []],
  ["9907", { status: ok }, [states.delivered, states.delivered]],
  ["9908", { status: ok, isEarly: true }, [states.delivered]],
  ["9909", { status: ok, isShown: true }, []],
  ["9914", { status: ok, reply: "HELP" }, [states.delivered]],
  ["9916", { status: undefined, isTaken: true, isShown: true }, [states.delivered]],
  ["9917", { status: undefined, isTaken: false }, []],
  ["9918", { status: statuses.queueFull, isTaken: false }, []],
  ["9919", { status: statuses.temporaryAppError, isTaken: false }, []],
  ["9922", { status: ok, isShown: false }, [states.enroute, states.expired]],
  ["9924", { status: ok, ids: "hex" }, [states.delivered]],
  ["9925", { status: ok, isBare: true }, [states.delivered]],
  ["9926", { status: ok, isShown: true }, [states.accepted, states.delivered]],
] as const)("a number that ends in %s gets what its row says", (suffix, reaction, receipts) => {
  const seen = network().react(submitTo(`1202555${suffix}`), startMs);
  expect(seen).toMatchObject(reaction);
  expect(seen.receipts.map(({ state }) => state)).toEqual(receipts);
});

test("a passing fault lets the fourth submission through", () => {
  const asked = network();
  const seen = Array.from(
    { length: 8 },
    () => asked.react(submitTo("12025559905"), startMs).status,
  );
  expect(seen.map((status) => status === ok)).toEqual(
    Array.from({ length: 8 }, (_none, index) => index % 4 === 3),
  );
});

test("a congested network takes ten submissions in a second of a bind, and of another bind too", () => {
  const asked = network("congested");
  const taken = (bind: number, nowMs: number) => {
    const all = Array.from({ length: 50 }, () => asked.react(submitTo("12025550123", bind), nowMs));
    return all.filter(({ status }) => status !== statuses.throttled).length;
  };
  expect([taken(1, startMs), taken(2, startMs), taken(1, startMs + 999)]).toEqual([10, 10, 0]);
  expect(taken(1, startMs + 1_000)).toBe(10);
});

test("a strict network rejects what is above a sender's cap, until the next day", () => {
  const asked = network("strict");
  const react = (nowMs: number) => asked.react(submitTo("12025550123"), nowMs).receipts[0]?.error;
  // Thirty a second are not throttled.
  for (let index = 0; index < 2_000; index += 1) {
    expect(react(startMs + Math.floor(index / 30) * 1_000)).not.toBe("022");
  }
  expect(react(startMs + 100_000)).toBe("022");
  expect(react(Date.parse("2026-11-25T00:00:00Z"))).not.toBe("022");
});

test("an outage closes the network for the last quarter of every minute", () => {
  const asked = network("outage");
  const closed = [0, 44_999, 45_000, 59_999, 60_000, 105_000].map((ms) =>
    asked.isClosed(startMs + ms),
  );
  expect(closed).toEqual([false, false, true, true, false, true]);
  asked.use("calm", startMs + 46_000);
  expect(asked.isClosed(startMs + 46_000)).toBe(false);
});

test("a flaky network loses about two receipts in a hundred and sends five twice", () => {
  const asked = network("flaky");
  const receipts = Array.from({ length: 20_000 }, () =>
    asked.react(submitTo("12025550123"), startMs),
  ).filter(({ isTaken }) => isTaken);
  const share = (count: number) =>
    receipts.filter((reaction) => reaction.receipts.length === count).length / receipts.length;
  expect(share(0)).toBeCloseTo(0.02, 2);
  expect(share(2)).toBeCloseTo(0.05, 2);
});
