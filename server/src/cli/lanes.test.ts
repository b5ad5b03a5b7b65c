import { expect, test } from "vitest";
import { runCommand } from "./cli.ts";
import type { CommandIo } from "./command.ts";

const sender = "+15005550100";
const limit = {
  name: "sender",
  words: `${sender} may send 1 segment per second.`,
  set_by: "The operator, in the inventory.",
  remedy: "Raise it.",
};
const lane = (changes: object = {}) => ({
  ...{ lane: sender, depth: 7_265, segments_per_second: 1, measured_segments_per_second: 0.98 },
  ...{ seconds_to_drain: 7_265, phase: "paced", limit },
  ...changes,
});
const page = (...lanes: object[]) => ({ lanes, meta: { next_token: null } });

type Request = { url: string; body: string };

/** A terminal, and a Longwave that gives these answers in turn and is then gone. */
function setUp(answers: object[], terminal: { isTTY?: boolean; columns?: number; rows?: number }) {
  const written = { out: "", err: "" };
  const requests: Request[] = [];
  const pauses: number[] = [];
  const io: CommandIo = {
    out: {
      ...terminal,
      write: (text: string) => {
        written.out += text;
      },
    },
    err: {
      write: (text: string) => {
        written.err += text;
      },
    },
    env: { LONGWAVE_ACCOUNT_SID: "AC1", LONGWAVE_AUTH_TOKEN: "t", NO_COLOR: "1" },
    fetch: (async (url: unknown, init?: RequestInit) => {
      requests.push({ url: String(url), body: String(init?.body ?? "") });
      const answer = answers.shift();
      if (answer === undefined) throw new TypeError("fetch failed");
      return new Response(JSON.stringify(answer));
    }) as typeof fetch,
    pause: async (ms) => pauses.push(ms),
  };
  return { run: (...argv: string[]) => runCommand(argv, io), written, requests, pauses };
}

test("the fullest lane comes first, with its rate, its end and its limit", async () => {
  const idle = { depth: 3, segments_per_second: null, seconds_to_drain: null, phase: "no route" };
  const cli = setUp([page(lane({ lane: "22395", ...idle, limit: null }), lane())], {});
  expect(await cli.run("lanes")).toBe(0);
  expect(cli.written.out.split("\n")).toEqual([
    "LANE          WAITING  LIMIT/S  NOW/S   EMPTY IN  PHASE     WHY",
    `${sender}     7265        1   0.98  2 h 1 min  paced     ${limit.words}`,
    "22395               3        -   0.98          -  no route",
    "",
  ]);
  expect(cli.requests[0]?.url).toBe(
    "http://localhost:8080/longwave/v1/Lanes?PageSize=1000&Busy=true&",
  );
});

test("a terminal's table is drawn again over itself, within its width and height", async () => {
  const full = page(lane(), lane({ lane: "22395", depth: 9_000 }), lane({ depth: 1 }));
  const cli = setUp([full, page(lane())], { isTTY: true, columns: 70, rows: 5 });
  expect(await cli.run("lanes")).toBe(3);
  expect(cli.written.err).toContain("No Longwave answers");
  expect(cli.pauses).toEqual([1_000, 1_000]);
  const [first = "", second = ""] = cli.written.out.split("\u001b[4A\u001b[0J");
  const lines = first.trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["LANE", "22395", sender, "and"]);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(70);
  expect(second.trimEnd().split("\n").length).toBe(2);
});

test("--once prints the table once on a terminal, too", async () => {
  const cli = setUp([page()], { isTTY: true });
  expect(await cli.run("lanes", "--once", "--all", "--subaccount", "AC2")).toBe(0);
  expect(cli.written.out).toBe("Nothing waits in any lane. --all lists them all.\n");
  expect(cli.requests[0]?.url).toContain("?PageSize=1000&Busy=false&AccountSid=AC2");
});

test.each([
  ["pause", { is_paused: true }],
  ["drain", { is_draining: true }],
  ["resume", { is_paused: false, is_draining: false }],
])("%s LANE asks for it and says how the lane stands", async (action, change) => {
  const cli = setUp([lane({ depth: 1 })], {});
  expect(await cli.run("lanes", action, sender)).toBe(0);
  expect(cli.requests).toEqual([
    {
      url: `http://localhost:8080/longwave/v1/Lanes/${encodeURIComponent(sender)}?`,
      body: JSON.stringify(change),
    },
  ]);
  expect(cli.written.out).toBe(
    `${sender}  paced · 1 segment waits\n${limit.words} Set by: ${limit.set_by}\ndo: Raise it.\n`,
  );
});

test.each([[["stop", sender]], [["pause"]], [["pause", sender, "now"]]])(
  "%o is not understood, and nothing is asked",
  async (argv) => {
    const cli = setUp([], {});
    expect(await cli.run("lanes", ...argv)).toBe(2);
    expect(cli.written.err).toContain("Say what to do with which lane.");
    expect(cli.requests).toEqual([]);
  },
);

test("json is what the API answers", async () => {
  const cli = setUp([page(lane())], { isTTY: true });
  await cli.run("lanes", "--json");
  expect(JSON.parse(cli.written.out)).toEqual(page(lane()));
});
