import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCommand } from "./cli.ts";
import type { CommandIo } from "./command.ts";

const accountSid = `AC${"1".repeat(32)}`;
const sid = `SM${"2".repeat(32)}`;
const dataDir = await mkdtemp(join(tmpdir(), "longwave-cli-"));
const local = { url: "http://localhost:8080", accountSid, authToken: "secret" };
await writeFile(join(dataDir, "credentials.json"), JSON.stringify(local));
afterAll(() => rm(dataDir, { recursive: true }));

type Request = { url: string; method: string; form: string; authorization: string };
type Answers = (request: Request) => { status?: number; body: unknown } | Error;

/** A terminal and a Longwave at the far end. */
function setUp(answers: Answers, options: { env?: CommandIo["env"]; isTTY?: boolean } = {}) {
  const written = { out: "", err: "" };
  const requests: Request[] = [];
  let waitedMs = 0;
  const fetch = async (input: unknown, init?: RequestInit) => {
    const request = {
      url: String(input),
      method: init?.method ?? "GET",
      form: String(init?.body ?? ""),
      authorization: new Headers(init?.headers).get("authorization") ?? "",
    };
    requests.push(request);
    const answer = answers(request);
    if (answer instanceof Error) throw answer;
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    return new Response(text, { status: answer.status ?? 200 });
  };
  const terminal = (name: "out" | "err") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: options.isTTY ?? false,
    columns: 100,
  });
  const io: CommandIo = {
    out: terminal("out"),
    err: terminal("err"),
    env: options.env ?? { LONGWAVE_DATA_DIR: dataDir },
    fetch: fetch as typeof globalThis.fetch,
    pause: async (ms) => {
      waitedMs += ms;
    },
  };
  return {
    run: (...argv: string[]) => runCommand(argv, io),
    written,
    requests,
    waitedMs: () => waitedMs,
  };
}

const accepted = {
  at: "2026-11-24T09:30:00.123Z",
  kind: "accepted",
  words: "The text was accepted.",
  rule: null,
  remedy: null,
  raw: null,
};
const delivered = {
  ...accepted,
  at: "2026-11-24T09:30:01.456Z",
  kind: "delivered",
  words: "The carrier delivered it.",
  raw: "DELIVRD 000",
};

function timeline(status: string, entries: unknown[], isSimulated = false) {
  const message = {
    sid,
    direction: "outbound-api",
    from: "+15005550006",
    to: "+12025550123",
    status,
    num_segments: 1,
    error_code: status === "failed" ? 30003 : null,
    is_simulated: isSimulated,
    date_created: accepted.at,
  };
  return { message, timeline: entries };
}

const sent = { sid, from: "+15005550006", to: "+12025550123", status: "queued" };

function longwave(timelines: unknown[]): Answers {
  let next = 0;
  return ({ url, method }) => {
    if (method === "POST") return { status: 201, body: sent };
    if (url.includes("IncomingPhoneNumbers")) {
      return { body: { incoming_phone_numbers: [{ phone_number: "+15005550006" }] } };
    }
    return { body: timelines[Math.min(next++, timelines.length - 1)] };
  };
}

test("a text goes from the account's first number, with the local server's credentials", async () => {
  const cli = setUp(longwave([timeline("queued", [accepted])]));
  expect(await cli.run("send", "+12025550123", "Hello & good day")).toBe(0);
  expect(cli.requests[1]).toEqual({
    url: `http://localhost:8080/2010-04-01/Accounts/${accountSid}/Messages.json`,
    method: "POST",
    form: "To=%2B12025550123&From=%2B15005550006&Body=Hello+%26+good+day",
    authorization: `Basic ${Buffer.from(`${accountSid}:secret`).toString("base64")}`,
  });
  expect(cli.written.out).toBe(
    `${sid}  +15005550006 to +12025550123\nqueued · 1 segment\nWhat happens to it: longwave why ${sid}\n`,
  );
});

test("following prints each step once and ends with the final status", async () => {
  const cli = setUp(
    longwave([
      timeline("queued", [accepted]),
      timeline("sent", [accepted]),
      timeline("delivered", [accepted, delivered]),
    ]),
  );
  expect(await cli.run("send", "+12025550123", "Hello", "--from", "22395", "--follow")).toBe(0);
  expect(cli.written.out.split("\n").slice(2)).toEqual([
    "09:30:00.123  accepted       The text was accepted.",
    "09:30:01.456  delivered      The carrier delivered it.",
    "                             raw:  DELIVRD 000",
    "",
    "delivered · 1 segment",
    "",
  ]);
  expect(cli.waitedMs()).toBe(500);
});

test("following a text that fails ends with exit code 1", async () => {
  const cli = setUp(longwave([timeline("failed", [accepted])]));
  expect(await cli.run("send", "+12025550123", "Hello", "--follow")).toBe(1);
  expect(cli.written.out).toContain("failed · error 30003");
});

test("following gives up after two minutes and says how to look later", async () => {
  const cli = setUp(longwave([timeline("sent", [accepted])]));
  expect(await cli.run("send", "+12025550123", "Hello", "--follow")).toBe(1);
  expect(cli.waitedMs()).toBe(120_000);
  expect(cli.written.out).toContain(`No receipt within 120 seconds. Later: longwave why ${sid}`);
});

test("a sid is printed even when its status cannot be read", async () => {
  const cli = setUp(({ method }) =>
    method === "POST" ? { status: 201, body: sent } : new TypeError("fetch failed"),
  );
  expect(await cli.run("send", "+12025550123", "Hello", "--from", "22395")).toBe(3);
  expect(cli.written.out).toContain(sid);
});

test("a simulated message is marked", async () => {
  const cli = setUp(longwave([timeline("delivered", [], true)]));
  await cli.run("why", sid);
  expect(cli.written.out).toContain("delivered · 1 segment · simulated: no phone was texted");
});

test("a rule, a remedy and the carrier's words stand below their entry", async () => {
  const entry = { ...accepted, rule: "21610", remedy: "Wait for START.", raw: "ESME_RTHROTTLED" };
  const cli = setUp(longwave([timeline("queued", [entry])]));
  await cli.run("why", sid);
  const margin = " ".repeat(29);
  expect(cli.written.out).toContain(
    `${margin}rule: 21610\n${margin}do:   Wait for START.\n${margin}raw:  ESME_RTHROTTLED\n`,
  );
});

test("what a carrier says cannot steer the terminal", async () => {
  const entry = { ...accepted, words: "\u001b[2Jgone\u202e" };
  const cli = setUp(longwave([timeline("queued", [entry])]), { isTTY: true });
  await cli.run("why", sid);
  expect(cli.written.out).toContain("?[2Jgone?");
});

test("json is what the API answers", async () => {
  const cli = setUp(longwave([timeline("queued", [accepted])]));
  await cli.run("why", sid, "--json");
  expect(JSON.parse(cli.written.out)).toEqual(timeline("queued", [accepted]));
});

const env = { LONGWAVE_DATA_DIR: dataDir };
test.each([
  [true, env, true],
  [true, { ...env, NO_COLOR: "1" }, false],
  [false, env, false],
])("on a terminal: %s, with %o, colours: %s", async (isTTY, variables, isColoured) => {
  const cli = setUp(longwave([timeline("delivered", [])]), { env: variables, isTTY });
  await cli.run("why", sid);
  expect(cli.written.out.includes("\u001b[")).toBe(isColoured);
});

test("flags go before the environment", async () => {
  const variables = {
    LONGWAVE_URL: "http://elsewhere:1",
    LONGWAVE_ACCOUNT_SID: "ACx",
    LONGWAVE_AUTH_TOKEN: "y",
  };
  const cli = setUp(longwave([timeline("queued", [])]), { env: variables });
  await cli.run("why", sid, "--url", "http://here:2/");
  expect(cli.requests[0]?.url).toBe(`http://here:2/longwave/v1/Messages/${sid}/Timeline`);
  expect(cli.requests[0]?.authorization).toBe(`Basic ${Buffer.from("ACx:y").toString("base64")}`);
});

test("the local token goes to no other address", async () => {
  const cli = setUp(longwave([]));
  expect(await cli.run("why", sid, "--url", "http://elsewhere:1")).toBe(3);
  expect(cli.requests).toEqual([]);
});

const refused = { code: 21610, message: "The recipient opted out.", status: 400 };
const failures: [string, string[], Answers, number, string][] = [
  ["no command of that name", ["sned"], longwave([]), 2, "There is no command 'sned'."],
  ["no text", ["send", "+12025550123"], longwave([]), 2, "Say to whom and what."],
  ["words without quotes", ["send", "+1", "two", "words"], longwave([]), 2, "Put it in quotes"],
  ["an unknown flag", ["why", sid, "--now"], longwave([]), 2, "Unknown option '--now'"],
  ["what is no sid", ["why", "SM12"], longwave([]), 2, "'SM12' is not the sid of a message."],
  ["a token alone", ["why", sid, "--token", "x"], longwave([]), 2, "Give both"],
  ["a refusal", ["why", sid], () => ({ status: 400, body: refused }), 1, "21610: The recipient"],
  ["wrong credentials", ["why", sid], () => ({ status: 401, body: refused }), 3, "does not know"],
  ["another program", ["why", sid], () => ({ status: 200, body: "<html>" }), 3, "is no Longwave"],
  ["nobody there", ["why", sid], () => new TypeError("fetch failed"), 3, "No Longwave answers"],
];
test.each(failures)("%s ends with a sentence", async (_name, argv, answers, exitCode, words) => {
  const cli = setUp(answers);
  expect(await cli.run(...argv)).toBe(exitCode);
  expect(cli.written.err).toContain(words);
  expect(cli.written.out).toBe("");
});

test("without a Longwave here, the remedy is to start one", async () => {
  const cli = setUp(longwave([]), { env: { LONGWAVE_DATA_DIR: join(dataDir, "none") } });
  expect(await cli.run("send", "+12025550123", "Hello")).toBe(3);
  expect(cli.written.err).toContain("npm start");
});

test.each([[["help"]], [[]]])("%o lists every command", async (argv) => {
  const cli = setUp(longwave([]));
  expect(await cli.run(...argv)).toBe(0);
  expect(cli.written.out).toMatch(/send {2}.*\n.*why/);
});

test("help tells the flags of one command", async () => {
  const cli = setUp(longwave([]));
  expect(await cli.run("send", "--help")).toBe(0);
  expect(cli.written.out).toContain("--follow");
});

test("a text that begins with a hyphen comes after two", async () => {
  const cli = setUp(longwave([timeline("queued", [])]));
  expect(await cli.run("send", "--", "+12025550123", "--help")).toBe(0);
  expect(cli.requests[1]?.form).toContain("Body=--help");
});
