import { expect, test } from "vitest";
import { runCommand } from "./cli.ts";

const pdu = {
  ...{ number: 7, at: "2026-11-24T12:00:00.123Z", bind: "1 transceiver", direction: "sent" },
  ...{
    command: "submit_sm",
    sequence: 4,
    status: 0,
    fields: { source: "******00", dataCoding: 8 },
  },
};
const refusal = {
  ...{ ...pdu, number: 8, direction: "received", command: "submit_sm_resp", status: 0x58 },
  fields: {},
};

/** A Longwave that gives one answer after the other, and then is gone. */
async function run(answers: readonly object[], ...argv: string[]) {
  const written = { out: "", err: "" };
  const urls: string[] = [];
  let waitedMs = 0;
  const exitCode = await runCommand(["trace", ...argv], {
    out: { write: (text) => (written.out += text) },
    err: { write: (text) => (written.err += text) },
    env: { LONGWAVE_ACCOUNT_SID: "ACx", LONGWAVE_AUTH_TOKEN: "y" },
    fetch: (async (url: string) => {
      const answer = answers[urls.push(url) - 1];
      if (answer === undefined) throw new TypeError("fetch failed");
      return new Response(JSON.stringify(answer));
    }) as typeof fetch,
    pause: async (ms) => {
      waitedMs += ms;
    },
  });
  const queries = urls.map((url) => url.slice(url.indexOf("/longwave")));
  return { ...written, queries, exitCode, waitedMs };
}

test("the last PDUs are printed, then each that follows", async () => {
  const { out, queries, exitCode, waitedMs } = await run(
    [
      { pdus: [pdu], last: 7 },
      { pdus: [], last: 7 },
      { pdus: [refusal], last: 8 },
    ],
    "acme",
  );
  expect(out.split("\n")).toEqual([
    '12:00:00.123 → 1 transceiver  submit_sm 4  source="******00" dataCoding=8',
    "12:00:00.123 ← 1 transceiver  submit_sm_resp 4 0x00000058",
    "",
  ]);
  const path = "/longwave/v1/Connectors/acme/Trace";
  expect(queries).toEqual([
    ...[`${path}?Limit=20`, `${path}?Limit=1000&After=7`, `${path}?Limit=1000&After=7`],
    `${path}?Limit=1000&After=8`,
  ]);
  expect({ exitCode, waitedMs }).toEqual({ exitCode: 3, waitedMs: 1_500 });
});

test("once, in clear and as JSON", async () => {
  const { out, queries, exitCode } = await run(
    [{ pdus: [pdu], last: 7 }],
    ...["acme", "--once", "--clear", "--json", "--last", "5"],
  );
  expect(JSON.parse(out)).toEqual(pdu);
  expect(queries).toEqual(["/longwave/v1/Connectors/acme/Trace?Limit=5&Clear=true"]);
  expect(exitCode).toBe(0);
});

test("what a carrier wrote cannot steer the terminal", async () => {
  const evil = { ...pdu, fields: { messageId: "\u001b[2J\u202e" } };
  const { out } = await run([{ pdus: [evil], last: 7 }], "acme", "--once");
  expect(out).not.toContain("\u001b");
  expect(out).not.toContain("\u202e");
});

test.each([
  [[], "Name one connector."],
  [["acme", "--last", "2000"], "--last is a whole number"],
])("%o ends with a sentence", async (argv, words) => {
  const { err, exitCode } = await run([], ...argv);
  expect(err).toContain(words);
  expect(exitCode).toBe(2);
});
