import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Phones } from "./phones.ts";
import type { Smsc } from "./smsc.ts";

const BODY_BYTES_MAX = 64 * 1024;

const help = `The carrier simulator of Longwave. Nothing here reaches a real phone.

GET  /phones/NUMBER/messages          what the phone shows
POST /phones/NUMBER/messages          a text from the phone: {"to":"+1…","body":"…"}
GET  /submissions?after=N             what was submitted, from number N+1 on
GET  /state                           counts

NUMBER is written +15550100 or 15550100.
`;

export type SubmissionLog = {
  readonly after: (sequence: number, limit: number) => readonly unknown[];
};

/** The simulator's HTTP face, on loopback only. */
export async function startHttpFace(app: {
  port: number;
  phones: Phones;
  smsc: Smsc;
  submissions: SubmissionLog;
}): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    answer(app, request).then(
      ({ status, body }) => send(response, status, body),
      () => send(response, 400, { error: "Send a JSON object with 'to' and 'body'." }),
    );
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(app.port, "127.0.0.1", done);
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

type Answer = { status: number; body: unknown };

const SUBMISSIONS_PER_PAGE = 10_000;

async function answer(
  app: { phones: Phones; smsc: Smsc; submissions: SubmissionLog },
  request: IncomingMessage,
): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://simulator");
  const phone = /^\/phones\/(?:\+|%2B)?(\d{3,15})\/messages$/i.exec(url.pathname)?.[1];
  if (url.pathname === "/") return { status: 200, body: help };
  if (url.pathname === "/state") return { status: 200, body: { submitted: app.smsc.submitted() } };
  if (url.pathname === "/submissions") {
    const after = Number(url.searchParams.get("after") ?? 0);
    return { status: 200, body: app.submissions.after(after, SUBMISSIONS_PER_PAGE) };
  }
  if (phone === undefined) return { status: 404, body: { error: "There is no such path.", help } };
  if (request.method === "GET") return { status: 200, body: app.phones.shown(`+${phone}`) };
  const text = JSON.parse(await readBody(request)) as { to?: unknown; body?: unknown };
  if (typeof text.to !== "string" || typeof text.body !== "string") throw new Error("no text");
  app.smsc.inject({ from: `+${phone}`, to: text.to, body: text.body });
  return { status: 202, body: { from: `+${phone}`, to: text.to } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new Error("too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
  });
  response.end(isText ? body : `${JSON.stringify(body)}\n`);
}
