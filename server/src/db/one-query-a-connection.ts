import type { Sql } from "./sql.ts";

/** What the library keeps in a query, as far as we need it. */
type Query = Promise<unknown> & { handler?: (query: Query) => void };

/**
 * No more queries under way than there are connections, so that none is sent behind another on the same
 * one. Through a pooler in transaction mode the library asks first what a statement's parameters are, with
 * Flush and no Sync; sent behind another statement, pgbouncer gives the answer to nobody, and the query
 * would never end.
 */
export function oneQueryAConnection(sql: Sql, connections: number): Sql {
  const gate = createGate(connections);

  const gated = (query: unknown): unknown => {
    if (!isQuery(query)) return query;
    const send = query.handler;
    const sendInTurn = (own: Query) => {
      void gate.enter().then(() => {
        send(own);
        own.then(gate.leave, gate.leave);
      });
    };
    query.handler = Object.assign(sendInTurn, send);
    return query;
  };
  const begin = async (...asked: readonly unknown[]) => {
    await gate.enter();
    try {
      return await (sql.begin as (...asked: readonly unknown[]) => Promise<unknown>)(...asked);
    } finally {
      gate.leave();
    }
  };

  return new Proxy(sql, {
    apply: (target, self, asked) => gated(Reflect.apply(target, self, asked)),
    get: (target, name) => {
      if (name === "begin") return begin;
      if (name === "unsafe")
        return (...asked: Parameters<Sql["unsafe"]>) => gated(target.unsafe(...asked));
      return Reflect.get(target, name);
    },
  });
}

/** A fragment of another query has one, too, and is never sent by itself. */
function isQuery(query: unknown): query is Query & Required<Pick<Query, "handler">> {
  return query instanceof Promise && "handler" in query && typeof query.handler === "function";
}

function createGate(places: number) {
  let free = places;
  const waiting: (() => void)[] = [];
  return {
    enter: (): Promise<void> => {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave: (): void => {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
