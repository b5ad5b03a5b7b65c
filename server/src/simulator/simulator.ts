import { decodeText } from "../connectors/smpp/text.ts";
import type { Clock } from "../lib/clock.ts";
import type { ShortMessage } from "../smpp/pdus.ts";
import { createCarrier } from "./carrier.ts";
import { startHttpFace } from "./http-face.ts";
import { createMemoryJournal, openJournal } from "./journal.ts";
import type { Tls } from "./listener.ts";
import { createNetwork } from "./network.ts";
import { createPhones, type PhoneText } from "./phones.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";
import { type Smsc, startSmsc } from "./smsc.ts";
import { createSubmissionLog } from "./submission-log.ts";

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
  readonly scenario: () => Scenario;
  readonly useScenario: (name: ScenarioName) => void;
  readonly binds: Smsc["binds"];
  readonly useManners: Smsc["useManners"];
  readonly outbind: Smsc["outbind"];
  readonly close: () => Promise<void>;
};

export type SimulatorOptions = {
  /** 0 takes a free port. */
  readonly port: number;
  readonly httpPort: number;
  /** Loopback unless given; who reaches the ports can read and send its texts. */
  readonly host?: string;
  readonly systemId?: string;
  readonly password?: string;
  readonly seed: number;
  /** The middle of the time until a receipt, where the scenario does not say. */
  readonly receiptDelayMs: number;
  readonly scenario?: ScenarioName;
  /** Names of dialects, a suffix, a scenario: of binds that name none of their own. */
  readonly manners?: string;
  /** Its certificate and key as PEM: gateways must speak TLS then. */
  readonly tls?: Tls | undefined;
  /** Keeps what waits for a bind, and the ids that were given, over a restart. */
  readonly stateFolder?: string;
  readonly clock: Clock;
  /** Milliseconds that never go back, for tests that move them; else real ones from the clock on. */
  readonly now?: () => number;
};

/** One seeded carrier network behind a real SMSC. Its texts reach no real phone. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { port, httpPort, host = "127.0.0.1", seed, receiptDelayMs, stateFolder } = options;
  const { systemId, password } = { ...simulatorLogin, ...options };
  const { now = monotonic(options.clock) } = options;
  const journal =
    stateFolder === undefined ? createMemoryJournal(now()) : openJournal(stateFolder, now());
  const closers: (() => unknown)[] = [journal.close];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const { scenario = "calm" } = options;
    const network = createNetwork({ seed, receiptDelayMs, scenario, nowMs: now() });
    const phones = createPhones();
    const carrier = createCarrier({ network, phones, journal });
    const log = createSubmissionLog();
    const smsc = await startSmsc({
      ...{ port, host, systemId, password, carrier, network, now },
      ...{ manners: options.manners ?? "", tls: options.tls },
      onSubmit: (bind, pdu, id) => log.add(logged(bind, pdu, id)),
    });
    closers.push(smsc.close);
    const face = {
      inject: (text: { from: string; to: string; body: string }) => carrier.inject(text, now()),
      shown: phones.shown,
      scenario: network.scenario,
      useScenario: (name: ScenarioName, bind?: number) => network.use(name, now(), bind),
    };
    const http = await startHttpFace({
      ...{ ...face, port: httpPort, host, submissionsAfter: log.after },
      ...{ binds: smsc.binds, useManners: smsc.useManners, outbind: smsc.outbind },
      counts: () => ({ ...carrier.counts(), connections: smsc.connections() }),
    });
    closers.push(http.close);
    const { inject, shown, useScenario } = face;
    const { binds, useManners, outbind } = smsc;
    return {
      ...{ binds, useManners, outbind },
      ...{ port: smsc.port, httpPort: http.port, inject, shown, useScenario, close },
      ...{ scenario: network.scenario, nextText: phones.nextText },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The clock's time at the start and as many whole milliseconds as have really passed since. */
function monotonic(clock: Clock): () => number {
  const startMs = clock().getTime() - performance.now();
  return () => Math.floor(startMs + performance.now());
}

/** esm_class bit: the text begins with a user data header (SMPP 3.4, section 5.2.12). */
const UDHI = 0x40;

function logged(bind: number, pdu: ShortMessage, id: number) {
  const isPart = (pdu.esmClass & UDHI) !== 0 || pdu.tlvs.size > 0;
  const { reference, part, total } = isPart ? decodeText(pdu) : { reference: 0, part: 1, total: 1 };
  const { source: from, dest: to } = pdu;
  return { atMs: performance.now(), bind, id, from, to, reference, part, parts: total };
}
