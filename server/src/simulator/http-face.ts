import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Text } from "./delivery.ts";
import { isManner } from "./manners.ts";
import type { PhoneText } from "./phones.ts";
import {
  isScenarioName,
  type Scenario,
  type ScenarioName,
  scenarioNames,
  scenarioOf,
} from "./scenarios.ts";
import type { Smsc } from "./smsc.ts";
import type { LoggedSubmission } from "./submission-log.ts";

const BODY_BYTES_MAX = 64 * 1024;
const SUBMISSIONS_PER_PAGE = 10_000;

const help = `The carrier simulator of Longwave. Nothing here reaches a real phone.

GET  /phones/NUMBER/messages          what the phone shows
POST /phones/NUMBER/messages          a text from the phone: {"to":"+1…","body":"…"}
GET  /submissions?after=N             what was submitted, from number N+1 on
GET  /scenario                        how the network behaves now
POST /scenario                        another behaviour: {"name":"congested"}, of one bind with "bind":3
GET  /binds                           who is bound, and how each is dealt with
POST /manners                         dialects and faults: {"names":"hex,9908"}, of one bind with "bind":3
POST /outbind                         asks a gateway that listens to bind: {"host":"…","port":2776}
GET  /state                           counts

NUMBER is written +15550100 or 15550100. Scenarios: ${scenarioNames.join(", ")}.
`;

export type HttpFaceNeeds = {
  readonly shown: (number: string) => readonly PhoneText[];
  readonly inject: (text: Text) => void;
  readonly submissionsAfter: (sequence: number, limit: number) => readonly LoggedSubmission[];
  readonly scenario: () => Scenario;
  readonly useScenario: (name: ScenarioName, bind?: number) => void;
  readonly binds: Smsc["binds"];
  readonly useManners: Smsc["useManners"];
  readonly outbind: Smsc["outbind"];
  readonly counts: () => object;
};

/** The simulator's HTTP face. */
export async function startHttpFace(
  app: HttpFaceNeeds & { port: number; host: string },
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    answer(app, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        const message = error instanceof BadRequest ? error.message : "The request broke off.";
        send(response, 400, { error: message });
      },
    );
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    // Exclusive: of several processes on a machine one has it, and port 0 is free for each.
    server.listen({ port: app.port, host: app.host, exclusive: true }, done);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : app.port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

class BadRequest extends Error {}

type Answer = { status: number; body: unknown };

async function answer(app: HttpFaceNeeds, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://simulator");
  const isPost = request.method === "POST";
  if (request.method !== "GET" && !isPost) {
    return { status: 405, body: { error: "There are GET and POST.", help } };
  }
  // A page that the developer's browser shows must not play a carrier for them.
  if (isPost && request.headers["sec-fetch-site"] === "cross-site") {
    return { status: 403, body: { error: "Another site's page may not do this." } };
  }
  const phone = /^\/phones\/(?:\+|%2B)?(\d{3,15})\/messages$/i.exec(url.pathname)?.[1];
  if (phone !== undefined) {
    return isPost
      ? injectText(app, `+${phone}`, await readJson(request))
      : { status: 200, body: app.shown(`+${phone}`) };
  }
  if (url.pathname === "/scenario") {
    const body = isPost ? chooseScenario(app, await readJson(request)) : app.scenario();
    return { status: 200, body };
  }
  if (isPost && url.pathname === "/manners") return chooseManners(app, await readJson(request));
  if (isPost && url.pathname === "/outbind") return outbind(app, await readJson(request));
  if (isPost) return { status: 404, body: { error: "There is no such path to post to.", help } };
  switch (url.pathname) {
    case "/":
      return { status: 200, body: help };
    case "/state":
      return { status: 200, body: app.counts() };
    case "/binds":
      return { status: 200, body: app.binds() };
    case "/submissions":
      return { status: 200, body: app.submissionsAfter(readAfter(url), SUBMISSIONS_PER_PAGE) };
    default:
      return { status: 404, body: { error: "There is no such path.", help } };
  }
}

function injectText(app: HttpFaceNeeds, from: string, text: Record<string, unknown>): Answer {
  const { to, body } = text;
  if (typeof to !== "string" || typeof body !== "string") {
    throw new BadRequest("Send a JSON object with 'to' and 'body'.");
  }
  app.inject({ from, to, body });
  return { status: 202, body: { from, to } };
}

function chooseScenario(app: HttpFaceNeeds, chosen: Record<string, unknown>): Scenario {
  const { name, bind } = chosen;
  if (!isScenarioName(name)) {
    throw new BadRequest(`Send a JSON object whose 'name' is one of ${scenarioNames.join(", ")}.`);
  }
  app.useScenario(name, boundNumber(app, bind));
  return scenarioOf(name);
}

function boundNumber(app: HttpFaceNeeds, bind: unknown): number | undefined {
  const found = app.binds().find((known) => known.bind === bind);
  if (bind === undefined || found !== undefined) return found?.bind;
  throw new BadRequest("'bind' is the number of a bind that is there, as /binds tells it.");
}

function chooseManners(app: HttpFaceNeeds, { names, bind }: Record<string, unknown>): Answer {
  if (typeof names !== "string") {
    throw new BadRequest("Send a JSON object with 'names', such as 'hex,9908'; '' ends them.");
  }
  const unknown = names.split(",").filter((name) => name.trim() !== "" && !isManner(name.trim()));
  if (unknown.length > 0) {
    throw new BadRequest(`'${unknown[0]}' names no dialect, suffix or scenario.`);
  }
  app.useManners(names, boundNumber(app, bind));
  return { status: 200, body: { names, ...(bind === undefined ? {} : { bind }) } };
}

async function outbind(app: HttpFaceNeeds, gateway: Record<string, unknown>): Promise<Answer> {
  const { host, port } = gateway;
  if (typeof host !== "string" || typeof port !== "number" || !(port > 0 && port < 65_536)) {
    throw new BadRequest("Send a JSON object with the gateway's 'host' and 'port'.");
  }
  try {
    await app.outbind({ host, port });
    return { status: 202, body: { host, port } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { status: 502, body: { error: `The gateway was not reached: ${why}.` } };
  }
}

function readAfter(url: URL): number {
  const after = Number(url.searchParams.get("after") ?? 0);
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new BadRequest("'after' is a submission's sequence number, 0 for the first page.");
  }
  return after;
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new BadRequest("A request has at most 64 KiB.");
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new BadRequest("The request's body is no JSON object.");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
  });
  response.end(isText ? body : `${JSON.stringify(body)}\n`);
}
