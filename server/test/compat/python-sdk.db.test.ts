import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { importInventory } from "../../src/senders/store.ts";
import { findPython, noPython, readExample, runProgram } from "./run-program.ts";
import { type StartedApp, startTestApp } from "./started-app.ts";

const program = join(import.meta.dirname, "python-sdk.py");
const freeNumber = "+12025550142";
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
  const free = { kind: "long_code", country: "US", connector: "simulator" } as const;
  await importInventory(
    started.database.sql,
    [{ ...free, number: freeNumber, segmentsPerSecond: 1 }],
    systemClock(),
  );
  const prices = ["US", "FR"].map((country) => ({
    ...{ connector: "simulator", country, price: "0.0079" },
  }));
  await started.call("/longwave/v1/Prices", {
    ...{ method: "POST", body: JSON.stringify({ prices }) },
    headers: { "content-type": "application/json" },
  });
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const french = { keyword_type: "STOP.FRENCH", message_type: "CA" };
const geo = { type: "country", message: "" };
const expected = {
  services: ["One", "Three", "Two"],
  senders: ["+15005550100"],
  text: ["accepted", true],
  renamed: "First",
  codes: [true],
  names: ["Longwave"],
  abroad: [201, "Paris", "FR"],
  opt_outs: [true],
  word: 201,
  reply: 200,
  set: [
    [{ ...french, keywords: ["ARRET"] }],
    [{ ...french, message: "Fini." }],
    [
      { key: "ALL", friendly_name: "Global Default Settings" },
      { key: "CA", friendly_name: "Canada" },
    ],
  ],
  set_deleted: [
    [204, null],
    [204, null],
  ],
  built_in: ["HELP", true, true],
  taken_out: [true, true, true],
  left: [0, 0],
  deleted: [true, 20404],
  listed: ["Later"],
  feedback: "confirmed",
  fetched: "Later",
  signed: [true, false],
  redacted: ["", ""],
  too_late: 30409,
  text_deleted: [true, 20404],
  found: [freeNumber],
  claimed: [freeNumber, "https://example.com/sms", 21422],
  canceled: [0, "canceled"],
  number: ["GET", "GET"],
  number_deleted: [true, 20404],
  short_code: ["Alerts", "Alerts"],
  key: ["deploy", "old", [true], true],
  account: ["Branch", "active"],
  account_closed: ["suspended", "closed"],
  free: [],
  closed: 21408,
  geo: [
    200,
    {
      permissions: [
        { ...geo, country_code: "FR", enabled: false, prefix: "+33" },
        { ...geo, country_code: "US", enabled: true, prefix: "+1" },
      ],
    },
  ],
  safe: [201, 200],
  safe_text: 0,
  unsafe: [204, null],
  closed_again: 21408,
  opened: 200,
  open: 0,
  countries: ["FR", "US"],
  price: ["0.007900"],
  records: [
    ...["sms", "sms-inbound", "sms-inbound-longcode", "sms-inbound-shortcode", "sms-outbound"],
    ...["sms-outbound-longcode", "sms-outbound-shortcode", "totalprice"],
  ],
  daily: [["sms", "messages", "segments", "usd"]],
  lists: [1, 1, 1, 1, 1, 1, 1],
  trigger: ["sms", "count", "monthly", null],
  trigger_renamed: "Mine",
  triggers: [true],
  trigger_deleted: [true, 20404],
};

test("Twilio's SDK for Python works with every resource", async (context) => {
  const python = await findPython();
  if (python === undefined) {
    context.skip(noPython);
    return;
  }
  const [client] = readExample("docs/clients/python.md", "python").split("message = ");
  const printed = await runProgram(
    started.app,
    [python, "-"],
    client + readFileSync(program, "utf8"),
  );
  expect(JSON.parse(printed)).toEqual(expected);
});
