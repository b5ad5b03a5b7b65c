import type { Connector } from "../connectors/connector.ts";

/**
 * The connector that carries a sender's messages: the one that the sender came from. A simulated
 * sender belongs to the simulator alone, so its texts are never taken for real ones.
 */
export function chooseRoute(
  sender: { readonly connector: string },
  connectors: ReadonlyMap<string, Connector>,
): Connector | undefined {
  return connectors.get(sender.connector);
}
