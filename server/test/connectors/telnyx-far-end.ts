import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { type Arrived, createArrivals, type FarEnd, type Manner } from "./far-end.ts";
import { call, openHttpConnector, serve } from "./http-far-end.ts";

/** Telnyx's messaging API, as its public documentation has it. */
export async function startTelnyxFarEnd(): Promise<FarEnd> {
  const arrivals = createArrivals<Arrived>();
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  let manner: Manner = "accept";
  let last = { id: "", from: "", to: "", webhook: "" };

  const api = await serve((request, body) => {
    if (request.headers.authorization !== "Bearer KEY01") return refusal(401, "10009");
    const sent = JSON.parse(body) as Record<"from" | "to" | "text" | "webhook_url", string>;
    arrivals.add({ from: sent.from, to: sent.to, text: sent.text });
    if (manner === "silent") return undefined;
    if (manner === "refuse") return refusal(422, "40310");
    if (manner === "throttle") return refusal(429, "10011");
    last = { id: randomUUID(), from: sent.from, to: sent.to, webhook: sent.webhook_url };
    const to = [{ phone_number: sent.to, status: "queued" }];
    return { status: 200, body: { data: { record_type: "message", id: last.id, to } } };
  });
  const x = publicKey.export({ format: "jwk" }).x ?? "";
  const opened = await openHttpConnector({
    kind: "http",
    settings: {
      ...{ provider: "telnyx", apiKey: "KEY01", baseUrl: api.url, window: 3 },
      publicKey: Buffer.from(x, "base64url").toString("base64"),
      responseTimeoutMs: 1_000,
    },
  });

  const tell = (url: string, event: string, payload: object) => {
    const body = JSON.stringify({ data: { event_type: event, id: randomUUID(), payload } });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = sign(null, Buffer.from(`${timestamp}|${body}`), privateKey);
    const headers = {
      ...{ "content-type": "application/json", "telnyx-timestamp": timestamp },
      "telnyx-signature-ed25519": signature.toString("base64"),
    };
    return call(url, headers, body);
  };

  return {
    connect: opened.connect,
    behave: (wanted) => {
      manner = wanted;
    },
    next: arrivals.next,
    tell: async (status) => {
      const isDelivered = status === "delivered";
      await tell(last.webhook, "message.finalized", {
        id: last.id,
        to: [{ phone_number: last.to, status: isDelivered ? "delivered" : "delivery_failed" }],
        errors: isDelivered ? [] : [{ code: "40012", title: "Invalid destination" }],
        cost: { amount: "0.0051", currency: "USD" },
      });
    },
    receive: async (from, to, text) => {
      const payload = {
        id: randomUUID(),
        from: { phone_number: from },
        to: [{ phone_number: to }],
      };
      return (await tell(`${opened.url}/events`, "message.received", { ...payload, text })) === 204;
    },
    vanish: api.close,
    close: async () => {
      await opened.close();
      await api.close();
    },
  };
}

function refusal(status: number, code: string) {
  return { status, body: { errors: [{ code, title: "Refused", detail: "" }] } };
}
