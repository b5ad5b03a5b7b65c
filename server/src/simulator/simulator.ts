import type { Clock } from "../lib/clock.ts";
import { startHttpFace } from "./http-face.ts";
import { createNetwork } from "./network.ts";
import { createPhones, type PhoneText } from "./phones.ts";
import { startSmsc } from "./smsc.ts";

export const simulatorLogin = { systemId: "simulator", password: "loopback" } as const;

/** The network's own numbers, ready to send from. */
export const simulatedNumbers = [
  { number: "+15005550100", kind: "long_code", segmentsPerSecond: 10 },
  { number: "+18335550100", kind: "toll_free", segmentsPerSecond: 3 },
  { number: "55501", kind: "short_code", segmentsPerSecond: 100 },
] as const;

export type Simulator = {
  readonly port: number;
  readonly httpPort: number;
  /** The next text that a phone shows, from the call on. */
  readonly nextText: () => Promise<PhoneText>;
  readonly shown: (number: string) => readonly PhoneText[];
  readonly inject: (text: { from: string; to: string; body: string }) => void;
  readonly close: () => Promise<void>;
};

export type SimulatorOptions = {
  /** 0 takes a free port. Both listen on loopback only. */
  readonly port: number;
  readonly httpPort: number;
  readonly seed: number;
  /** The middle of the time until a receipt. */
  readonly receiptDelayMs: number;
  readonly clock: Clock;
};

const SUBMISSIONS_KEPT_MAX = 1_000_000;

/** One seeded carrier network behind a real SMSC. Its texts reach no real phone. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { clock } = options;
  const phones = createPhones();
  const log: { sequence: number; atMs: number; from: string; to: string; id: string }[] = [];
  let sequence = 0;
  const smsc = await startSmsc({
    ...{ port: options.port, ...simulatorLogin, phones, clock },
    network: createNetwork(options),
    onSubmit: (pdu, id) => {
      sequence += 1;
      log.push({ sequence, atMs: performance.now(), from: pdu.source, to: pdu.dest, id });
      if (log.length > SUBMISSIONS_KEPT_MAX) log.splice(0, SUBMISSIONS_KEPT_MAX / 10);
    },
  });
  const submissions = {
    after: (from: number, limit: number) => {
      const first = from - (log[0]?.sequence ?? 1) + 1;
      return log.slice(Math.max(0, first), Math.max(0, first) + limit);
    },
  };
  const face = await startHttpFace({ port: options.httpPort, phones, smsc, submissions }).catch(
    async (error: unknown) => {
      await smsc.close();
      throw error;
    },
  );
  let waiting: ((text: PhoneText) => void)[] = [];
  phones.onText((text) => {
    for (const resolve of waiting) resolve(text);
    waiting = [];
  });
  return {
    ...{ port: smsc.port, httpPort: face.port, inject: smsc.inject, shown: phones.shown },
    nextText: () => new Promise((resolve) => waiting.push(resolve)),
    close: async () => {
      await face.close();
      await smsc.close();
    },
  };
}
