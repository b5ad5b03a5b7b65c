import type { TracedPdu, TraceQuery } from "../../connectors/connector.ts";
import { notFound } from "../../lib/errors.ts";
import { type Call, count, date, listOf, objectOf, type Route, text, textOf } from "./route.ts";

export type ConnectorTraceNeeds = {
  /** Nothing for a connector that this process does not run, or that has no PDUs. */
  readonly connectorTrace: (name: string, query: TraceQuery) => readonly TracedPdu[] | undefined;
};

const LIMIT = 100;
const LIMIT_MAX = 1_000;

export function connectorTraceRoutes(app: ConnectorTraceNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Connectors/{name}/Trace",
      id: "ListTracedPdus",
      summary: "The PDUs of late between an SMPP connector and its carrier",
      isForOperator: true,
      query: {
        After: {
          ...{ ...count, description: "The number of the last PDU that is known: the next ones." },
        },
        Limit: { type: "integer", minimum: 1, maximum: LIMIT_MAX, default: LIMIT },
        Clear: {
          ...{ type: "string", enum: ["true", "false"], default: "false" },
          description: "true shows whole numbers and texts, which are masked else.",
        },
      },
      answer: { status: 200, schema },
      handle: async (call) => trace(app, call),
    },
  ];
}

function trace(app: ConnectorTraceNeeds, { params, query }: Call) {
  const name = params.name ?? "";
  const after = textOf(query.After);
  const pdus = app.connectorTrace(name, {
    after: after === undefined ? undefined : Number(after),
    limit: Number(query.Limit ?? LIMIT),
    isClear: query.Clear === "true",
  });
  if (pdus === undefined) throw notFound(`An SMPP connector '${name}' that runs here`);
  return {
    pdus: pdus.map(({ way, ...pdu }) => ({ ...pdu, direction: way })),
    last: pdus.at(-1)?.number ?? Number(after ?? 0),
  };
}

const schema = objectOf({
  pdus: listOf(
    objectOf({
      number: { ...count, description: "Grows; of all binds of the connector." },
      at: date,
      bind: { ...text, description: "Its place in the settings and its kind: 1 transceiver." },
      direction: { enum: ["sent", "received"] },
      command: { ...text, description: "Such as submit_sm; unknown where it cannot be read." },
      sequence: count,
      status: { ...count, description: "command_status; 0 in requests." },
      fields: {
        type: "object",
        additionalProperties: { type: ["string", "integer"] },
        description:
          "What is not empty or zero, and TLVs by name or tag. Passwords are never shown.",
      },
    }),
  ),
  last: { ...count, description: "For After of the next call." },
});
