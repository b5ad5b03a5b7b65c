import type { Sql } from "./sql.ts";

/** What the library's connections and queries are inside. */
type Connection = { readonly id: number; execute: (query: Query) => unknown };
type Query = { readonly handler: object; readonly reject: (error: Error) => void };
type BeginOptions = { onexecute?: (connection: Connection) => unknown };
type Work = (tx: Sql) => unknown;

/** How often each connection has ended, by its id. */
type Lives = {
  readonly ended: (id: number) => void;
  readonly of: (id: number) => number;
};

export function createLives(): Lives {
  const ends = new Map<number, number>();
  return {
    ended: (id) => ends.set(id, (ends.get(id) ?? 0) + 1),
    of: (id) => ends.get(id) ?? 0,
  };
}

/**
 * Refuses what a transaction still asks for when its connection has ended, its own rollback among them, as a
 * connection that was closed. The library's version 3.4.9 writes it to no socket, which ends the process, or to the
 * connection that comes next (docs/decisions/0077-ended-transactions.md). `lives` is told by the pool's option `onclose`.
 */
export function refuseInEndedTransactions(pool: Sql, lives: Lives): Sql {
  /** In which life of their connection transactions began, by what sends their queries. */
  const begun = new WeakMap<object, number | undefined>();
  /** In which life each connection began its last transaction. */
  const beginning = new WeakMap<Connection, number>();

  const watch = (connection: Connection) => {
    const isNew = !beginning.has(connection);
    beginning.set(connection, lives.of(connection.id));
    if (!isNew) return;
    const { execute } = connection;
    connection.execute = (query) => {
      if (!begun.has(query.handler)) return execute(query);
      const life = begun.get(query.handler) ?? beginning.get(connection);
      begun.set(query.handler, life);
      if (life === lives.of(connection.id)) return execute(query);
      query.reject(connectionClosed());
      return true;
    };
  };

  const { unsafe, begin } = pool as unknown as {
    unsafe: (string: string, values?: unknown[], options?: BeginOptions) => unknown;
    begin: (options: string, work: Work) => Promise<unknown>;
  };
  return Object.assign(pool, {
    // As which the library sends `begin` itself, and only that with `onexecute`.
    unsafe: (string: string, values?: unknown[], options?: BeginOptions) => {
      const { onexecute } = options ?? {};
      if (onexecute === undefined) return unsafe(string, values, options);
      const watched = (connection: Connection) => {
        watch(connection);
        return onexecute(connection);
      };
      return unsafe(string, values, { ...options, onexecute: watched });
    },
    begin: (...asked: [Work] | [string, Work]) => {
      const [options, work] = asked.length === 1 ? (["", asked[0]] as const) : asked;
      return begin(options, (tx) => {
        begun.set(handlerOf(tx), undefined);
        return work(tx);
      });
    },
  });
}

/** What sends the queries of a transaction, by one that is never sent. */
function handlerOf(tx: Sql): object {
  return (tx`select` as unknown as Query).handler;
}

function connectionClosed(): Error {
  return Object.assign(new Error("The connection of this transaction has ended."), {
    code: "CONNECTION_CLOSED",
  });
}
