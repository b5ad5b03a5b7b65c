import { expect, test } from "vitest";
import type { TraceQuery } from "../../connectors/connector.ts";
import { connectorTraceRoutes } from "./connector-trace.ts";
import type { Call } from "./route.ts";

/** A connector whose one PDU says what was asked for. */
const [route] = connectorTraceRoutes({
  connectorTrace: (name: string, { after, limit, isClear }: TraceQuery) => {
    const fields = { after: after ?? "none", limit, source: isClear ? "15550100" : "******00" };
    const pdu = { number: 8, at: new Date(0), bind: "1 transceiver", sequence: 1, status: 0 };
    return name === "carrier" ? [{ ...pdu, way: "sent", command: "submit_sm", fields }] : undefined;
  },
});

async function ask(name: string, query: Call["query"] = {}) {
  return route?.handle({ params: { name }, query } as unknown as Call);
}

test("a connector's PDUs are told from a place on, masked unless asked for", async () => {
  const fields = { after: "none", limit: 100, source: "******00" };
  expect(await ask("carrier")).toMatchObject({ pdus: [{ direction: "sent", fields }], last: 8 });
  expect(await ask("carrier", { After: 7, Limit: 5, Clear: "true" })).toMatchObject({
    pdus: [{ fields: { after: 7, limit: 5, source: "15550100" } }],
  });
});

test("a connector that does not run here has no trace", async () => {
  await expect(ask("nobody")).rejects.toMatchObject({ status: 404 });
});

test("only the operator sees what goes to a carrier", () => {
  expect(route?.isForOperator).toBe(true);
});
