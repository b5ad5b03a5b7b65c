import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import type { Connector, ConnectorState } from "./connector.ts";
import { stateOfAll } from "./state-of-all.ts";
import { deleteConnectorStates, readConnectorStates, writeConnectorStates } from "./store.ts";

const REPORT_MS = 1 * SECOND;

type Needs = {
  readonly sql: Sql;
  /** The process. */
  readonly owner: string;
  readonly connectors: ReadonlyMap<string, Connector>;
};

/** Tells other processes, through a table, how the connectors stand that this one runs. */
export function reportConnectorStates(app: Needs & { readonly onError: (error: unknown) => void }) {
  const { sql, owner, connectors } = app;
  let writing: Promise<void> | undefined;
  const report = () => {
    // Also without any: what this process told before is taken back.
    const states = [...connectors.values()].map(({ name, state }) => ({ name, state: state() }));
    writing ??= writeConnectorStates(sql, { owner, states })
      .catch(app.onError)
      .finally(() => {
        writing = undefined;
      });
  };
  const timer = setInterval(report, REPORT_MS);
  report();
  return {
    close: async (): Promise<void> => {
      clearInterval(timer);
      await writing;
      await deleteConnectorStates(sql, owner);
    },
  };
}

/** How connectors stand by name: in this process as of now, in others as they told of late. */
export async function connectorStates(
  app: Needs,
): Promise<(name: string) => ConnectorState | undefined> {
  const told = await readConnectorStates(app.sql, app.owner);
  return (name) => {
    const own = app.connectors.get(name)?.state();
    const others = told.filter((one) => one.name === name).map(({ state }) => state);
    const all = own === undefined ? others : [own, ...others];
    return all.length === 0 ? undefined : stateOfAll(all);
  };
}
