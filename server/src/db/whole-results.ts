import type { Sql } from "./sql.ts";

/** What the library's queries are inside. */
type Query = {
  readonly executed: boolean;
  resolve: (result: unknown) => void;
  handle: () => Promise<void>;
};

const mended = new WeakSet<object>();

/**
 * Makes the library's results whole. Its version 3.4.9 does not forget, when it loses a connection in the
 * middle of a result, how many rows of it had come: the first result on the connection that follows begins with so many
 * holes (docs/decisions/0076-results-without-holes.md). For all pools of the process; doing it again changes nothing.
 */
export function mendResults(sql: Sql): void {
  const prototype = Object.getPrototypeOf(sql`select`) as Query; // never sent: nobody waits for it
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { handle } = prototype;
  prototype.handle = function (this: Query) {
    if (!this.executed) {
      const { resolve } = this;
      this.resolve = (result) => resolve(withoutHoles(result));
    }
    return handle.call(this);
  };
}

function withoutHoles(result: unknown): unknown {
  if (!Array.isArray(result) || result.length === 0 || 0 in result) return result;
  let holes = 1;
  while (holes < result.length && !(holes in result)) holes += 1;
  result.splice(0, holes);
  return result;
}
