import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Sql } from "../db/sql.ts";
import type { LogEvent } from "../events/store.ts";
import type { Exchange, HttpRequest } from "../lib/http-exchange.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { createMessageSids } from "../lib/sid.ts";
import { createHosts } from "./hosts.ts";
import { tellStatuses } from "./status-callbacks.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const clock = () => new Date();
const key = Buffer.alloc(32, 1);
const answered = { kind: "answered", status: 204, headers: {}, body: "" } as unknown as Exchange;

const toBeKept = () => {
  throw new Error("A row was to be kept in retries.");
};

/** A far end that answers each call after so long; no row can be kept in `retries`. */
function withFarEnd(answerMs: number) {
  const calls: string[] = [];
  const statuses: string[] = [];
  const app = {
    ...{ clock, hosts: createHosts(clock), random: Math.random },
    sql: Object.assign(toBeKept, { json: (value: unknown) => value }) as unknown as Sql,
    ...{ sids: createMessageSids(key), accountSid: () => "AC1" },
    signers: () => ({ twilio: () => "signature", standard: () => "signature" }),
    attempts: { add: () => undefined, state: () => ({ lost: 0 }), close: async () => undefined },
    dialer: {
      request: async ({ url, body }: HttpRequest) => {
        calls.push(url.host);
        statuses.push(new URLSearchParams(body).get("MessageStatus") ?? "");
        await new Promise((done) => setTimeout(done, answerMs));
        return answered;
      },
    },
  };
  return { app, calls, statuses };
}

function eventsFor(urls: readonly string[]): LogEvent[] {
  const newId = createIdWriter(1, () => Date.now());
  return urls.map((callback, index) => ({
    ...{ writer: 1n, seq: BigInt(index + 1), day: "2026-11-24", kind: "sent" },
    ...{ account: 1, id: newId(3), data: { from: "+14155552671", to: "+12025550123", callback } },
  }));
}

const retries = { settle: async () => undefined };

test("a message's last status goes out when the one before it has its answer, wherever it was read", async () => {
  const { app, statuses } = withFarEnd(50);
  const sent = eventsFor(["http://one.example/", "http://one.example/"]);
  const delivered = sent.map((event) => ({ ...event, writer: 2n, kind: "delivered" }));
  const told = tellStatuses(app, [...delivered, ...sent], retries);
  await vi.advanceTimersByTimeAsync(49);
  expect(statuses).toEqual(["sent", "sent"]);
  await vi.advanceTimersByTimeAsync(60);
  await told;
  expect(statuses).toEqual(["sent", "sent", "delivered", "delivered"]);
});

test("a busy host that goes on answering gets its statuses without a row in retries", async () => {
  const { app, calls } = withFarEnd(60);
  const told = tellStatuses(app, eventsFor(Array(320).fill("http://busy.example/")), retries);
  await vi.advanceTimersByTimeAsync(60 * Math.ceil(320 / 64));
  await told;
  expect(calls).toHaveLength(320);
});

test("a host that is too slow to take its statuses in time has them kept in retries", async () => {
  const { app, calls } = withFarEnd(2_000);
  const told = tellStatuses(app, eventsFor(Array(320).fill("http://slow.example/")), retries);
  const kept = expect(told).rejects.toThrow("to be kept in retries");
  await vi.advanceTimersByTimeAsync(250);
  await kept;
  expect(calls).toHaveLength(64);
});
