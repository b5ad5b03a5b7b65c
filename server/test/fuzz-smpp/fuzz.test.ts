import { afterEach, expect, test } from "vitest";
import { startNetwork } from "../gateway.ts";
import { closeAll } from "../smpp-carrier.ts";
import { fuzzDecoder, fuzzPort, fuzzSessions } from "./fuzz.ts";

afterEach(closeAll);

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

test("garbage on bound and unbound connections does not end the simulator, in any manners", async () => {
  const manners = "noughts,ucs2,bare,trickle,9935";
  const simulator = await startNetwork({ manners });
  const login = { systemId: "simulator", password: "loopback", systemType: "" } as const;
  const bind = {
    command: "bind_transceiver",
    status: 0,
    sequence: 1,
    interfaceVersion: 0x34,
  } as const;
  await fuzzPort(simulator.port, SEED, 10_000, { ...bind, ...login });
  await fuzzPort(simulator.port, SEED + 1, 10_000, { ...bind, ...login, systemType: "hex,packed" });
}, 60_000);
