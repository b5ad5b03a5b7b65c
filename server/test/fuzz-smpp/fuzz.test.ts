import { expect, test } from "vitest";
import { fuzzDecoder, fuzzSessions } from "./fuzz.ts";

const SEED = 20_261_124;

test("no bytes bring the decoder down, and what it reads it can write", () => {
  const tally = fuzzDecoder(SEED, 100_000);
  // Each kind of input was really there.
  expect(tally.pdus).toBeGreaterThan(10_000);
  expect(tally.errors).toBeGreaterThan(10_000);
  expect(tally.fatal).toBeGreaterThan(1_000);
}, 30_000);

test("garbage on many sockets ends those sessions, and the good one is answered all along", async () => {
  const { opened, left } = await fuzzSessions(SEED, 20_000);
  expect(opened).toBeGreaterThan(100);
  expect(left).toBe(0);
}, 30_000);
