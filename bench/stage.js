import { startCarrier } from "./carrier.js";
import { createChild } from "./processes.js";

const DRAIN_MS_MAX = 600_000;
/** Nothing new for so long: the rest is not coming. */
const STILL_MS_MAX = 20_000;
const LOOK_MS = 50;

/** What stands around the platform under test: carrier, loader, the customer's callback server. */
export async function startStage({ receiptMs }) {
  const carrier = await startCarrier({ receiptMs });
  const sink = await createChild("callback-sink.js");
  const loader = await createChild("loader.js");
  return {
    carrier,
    callback: `http://127.0.0.1:${sink.hello.port}/status`,
    callbacks: () => sink.ask({}),
    load: async (load) => {
      const result = await loader.ask(load);
      if (result.error !== undefined) throw new Error(`The loader stopped: ${result.error}`);
      return result;
    },
    cpu: { simulator: carrier.cpu, loader: loader.cpu, callbackSink: sink.cpu },
    /** Waits for both callbacks of so many messages more than `before`; tells what came. */
    drained: async (before, messages) => {
      const deadline = performance.now() + DRAIN_MS_MAX;
      let last = before;
      let lastCame = performance.now();
      for (;;) {
        const now = await sink.ask({});
        const delivered = now.delivered - before.delivered;
        const callbacks = now.callbacks - before.callbacks;
        if (delivered >= messages && callbacks >= 2 * messages) return { delivered, callbacks };
        if (now.callbacks > last.callbacks) lastCame = performance.now();
        last = now;
        const isStill = performance.now() > lastCame + STILL_MS_MAX;
        if (isStill || performance.now() > deadline) return { delivered, callbacks };
        await new Promise((done) => setTimeout(done, LOOK_MS));
      }
    },
  };
}
