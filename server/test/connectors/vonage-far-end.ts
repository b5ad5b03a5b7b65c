import { createHash, createHmac, randomUUID } from "node:crypto";
import { type Arrived, createArrivals, type FarEnd, type Manner } from "./far-end.ts";
import { call, openHttpConnector, serve } from "./http-far-end.ts";

const SECRET = "a signature secret of Vonage";

/** Vonage's Messages API, version 1, as its public documentation has it. */
export async function startVonageFarEnd(): Promise<FarEnd> {
  const arrivals = createArrivals<Arrived>();
  let manner: Manner = "accept";
  let last = { id: "", to: "", webhook: "" };

  const api = await serve((request, body) => {
    const credentials = Buffer.from("abcd1234:shh").toString("base64");
    if (request.headers.authorization !== `Basic ${credentials}`)
      return refusal(401, "unauthorized");
    const sent = JSON.parse(body) as Record<"from" | "to" | "text" | "webhook_url", string>;
    arrivals.add({ from: `+${sent.from}`, to: `+${sent.to}`, text: sent.text });
    if (manner === "silent") return undefined;
    if (manner === "refuse") return refusal(422, "messages#1040");
    if (manner === "throttle") return refusal(429, "messages#1000");
    last = { id: randomUUID(), to: sent.to, webhook: sent.webhook_url };
    return { status: 202, body: { message_uuid: last.id } };
  });
  const opened = await openHttpConnector({
    kind: "http",
    settings: {
      ...{ provider: "vonage", apiKey: "abcd1234", apiSecret: "shh", signatureSecret: SECRET },
      ...{ baseUrl: api.url, window: 3, responseTimeoutMs: 1_000 },
    },
  });

  const tell = (url: string, told: object) => {
    const body = JSON.stringify({ message_uuid: randomUUID(), channel: "sms", ...told });
    return call(url, { "content-type": "application/json", authorization: bearerFor(body) }, body);
  };

  return {
    connect: opened.connect,
    behave: (wanted) => {
      manner = wanted;
    },
    next: arrivals.next,
    tell: async (status) => {
      const error = { type: "https://developer.vonage.com/api-errors/messages#1050", title: 1050 };
      await tell(last.webhook, {
        ...{ message_uuid: last.id, to: last.to, usage: { currency: "EUR", price: "0.0333" } },
        ...(status === "delivered" ? { status } : { status: "rejected", error }),
      });
    },
    receive: async (from, to, text) => {
      const numbers = { from: from.slice(1), to: to.slice(1) };
      const told = { ...numbers, message_type: "text", text };
      return (await tell(`${opened.url}/inbound`, told)) === 204;
    },
    vanish: api.close,
    close: async () => {
      await opened.close();
      await api.close();
    },
  };
}

function bearerFor(body: string): string {
  const encode = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
  const claims = {
    ...{ iat: Math.floor(Date.now() / 1000), jti: randomUUID(), api_key: "abcd1234" },
    payload_hash: createHash("sha256").update(body).digest("hex"),
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `Bearer ${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

function refusal(status: number, name: string) {
  const type = `https://developer.vonage.com/api-errors/${name}`;
  return { status, body: { type, title: "Refused", detail: "", instance: randomUUID() } };
}
