import { MINUTE } from "../../lib/clock.ts";
import type { Exchange } from "../../lib/http-exchange.ts";
import type { Price } from "../connector.ts";
import { parseJson } from "./answers.ts";
import type { Definition } from "./definition.ts";
import { readPrice } from "./places.ts";

/** Texts whose price is still to be asked for; more are left without one. */
const WAITING_MAX = 10_000;
/** Not to take the connections from what is to be sent. */
const AT_ONCE_MAX = 2;
/** A price that is not known yet is asked for once more. */
const AGAIN_MS = 1 * MINUTE;

export type PriceLookups = { readonly ask: (id: string) => void; readonly close: () => void };

/** Asks the provider what texts cost, a few at a time, beside the sending. */
export function createPriceLookups(app: {
  readonly definition: Definition;
  readonly ask: (id: string) => Promise<Exchange>;
  readonly onPrice: (id: string, price: Price) => Promise<void>;
  readonly onError: (error: unknown) => void;
}): PriceLookups {
  const waiting: { readonly id: string; readonly isSecond: boolean }[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let asking = 0;
  let isClosed = false;

  const lookUp = async (id: string, isSecond: boolean) => {
    const answer = await app.ask(id);
    const place = app.definition.priceLookup?.price;
    const json = answer.kind === "answered" ? parseJson(answer.body) : undefined;
    const price = place && readPrice(json, place);
    if (price !== undefined) return await app.onPrice(id, price);
    if (isSecond || isClosed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      add(id, true);
    }, AGAIN_MS);
    timers.add(timer);
  };

  const next = () => {
    const one = asking < AT_ONCE_MAX && !isClosed ? waiting.shift() : undefined;
    if (one === undefined) return;
    asking += 1;
    lookUp(one.id, one.isSecond)
      .catch(app.onError)
      .finally(() => {
        asking -= 1;
        next();
      });
  };

  const add = (id: string, isSecond: boolean) => {
    if (waiting.length >= WAITING_MAX) return;
    waiting.push({ id, isSecond });
    next();
  };

  return {
    ask: (id) => add(id, false),
    close: () => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
