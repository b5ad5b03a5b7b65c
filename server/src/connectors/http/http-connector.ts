import type { Clock } from "../../lib/clock.ts";
import { SECOND } from "../../lib/clock.ts";
import type { Exchange, HttpRequest } from "../../lib/http-exchange.ts";
import type { Connector, ConnectorEvents, ConnectorState, SubmitResult } from "../connector.ts";
import { submitResultOf } from "./answers.ts";
import { takeCall } from "./calls.ts";
import { takesMedia } from "./definition.ts";
import { createPriceLookups } from "./price-lookups.ts";
import { lookupRequest, sendRequest } from "./requests.ts";
import type { HttpSettings } from "./settings.ts";

export type HttpConnectorNeeds = {
  readonly name: string;
  readonly carrierAccount: string;
  readonly optOutsUpstream: boolean;
  readonly settings: HttpSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly request: (request: HttpRequest) => Promise<Exchange>;
  /** Below which this connector's address is called from outside; no slash at its end. */
  readonly publicUrl: () => string;
  readonly events: ConnectorEvents;
  /** Trouble that nobody waits for. */
  readonly onError: (error: unknown) => void;
};

const PAUSE_MS_MIN = 1 * SECOND;
const PAUSE_MS_MAX = 60 * SECOND;
const CLOSE_MS_MAX = 5 * SECOND;

/** A provider's HTTP API as a connector. One submission is one request; each may be the next probe. */
export function createHttpConnector(app: HttpConnectorNeeds): Connector {
  const { name, settings, events, clock } = app;
  const { definition } = settings;
  const callbacks = () => `${app.publicUrl()}/connectors/${name}`;
  const pause = createPause(app);
  let inFlight = 0;
  let isClosed = false;

  const ask = async (request: HttpRequest) => {
    inFlight += 1;
    try {
      return await app.request(request);
    } finally {
      inFlight -= 1;
    }
  };
  const prices = createPriceLookups({
    definition,
    onError: app.onError,
    ask: (id) => ask(lookupRequest(settings, id)),
    onPrice: async (id, price) => events.onPrice?.(name, id, price),
  });

  return {
    ...{ name, carrierAccount: app.carrierAccount, isSimulated: false, takesWholeTexts: true },
    optOutsUpstream: app.optOutsUpstream,
    carriesMedia: takesMedia(definition),
    senderLimit: ({ kind, country }) =>
      settings.senderLimits[`${kind}.${country}`] ?? settings.senderLimits[kind],
    freeSlots: () => (isClosed || pause.isOn() ? 0 : Math.max(0, settings.window - inFlight)),
    submit: async (submission): Promise<SubmitResult> => {
      const cause = isClosed ? "closed" : pause.cause();
      if (cause !== undefined) return { kind: "unavailable", carrierCode: cause };
      const request = sendRequest(settings, submission, { callbacks: callbacks(), now: clock() });
      const result = submitResultOf(definition, await ask(request));
      if (result.kind === "unavailable") pause.begin(result.carrierCode);
      else pause.reset();
      events.onReady(name);
      return result;
    },
    state: (): ConnectorState => {
      if (isClosed) return { phase: "stopped" };
      return pause.state() ?? { phase: "bound", window: settings.window, inFlight };
    },
    takeCall: async (call) => {
      const of = { name, definition, values: settings.values, now: clock(), events };
      const taken = await takeCall(of, call);
      if (taken.priceOf !== undefined) prices.ask(taken.priceOf);
      return taken.status;
    },
    close: async () => {
      isClosed = true;
      pause.end();
      prices.close();
      const deadline = performance.now() + CLOSE_MS_MAX;
      while (inFlight > 0 && performance.now() < deadline) {
        await new Promise((done) => setTimeout(done, 20));
      }
    },
  };
}

/** After a request that did not reach the provider nothing is tried for a while, longer each time. */
function createPause({ name, clock, random, events }: HttpConnectorNeeds) {
  let on: { readonly cause: string; readonly nextAttemptAt: Date } | undefined;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    isOn: () => on !== undefined,
    cause: () => on?.cause,
    state: (): ConnectorState | undefined => on && { phase: "reconnecting", ...on },
    begin: (cause: string) => {
      if (on !== undefined) return;
      failures += 1;
      const ceiling = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(failures, 10));
      const waitMs = PAUSE_MS_MIN / 2 + random() * ceiling;
      on = { cause, nextAttemptAt: new Date(clock().getTime() + waitMs) };
      timer = setTimeout(() => {
        on = undefined;
        events.onReady(name);
      }, waitMs);
    },
    reset: () => {
      failures = 0;
    },
    end: () => clearTimeout(timer),
  };
}
