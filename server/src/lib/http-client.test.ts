import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { makeCertificates } from "../../test/certificates.ts";
import { createHttpClient, type HttpClient } from "./http-client.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const closer of closers.splice(0)) closer();
});

function newClient(ca?: string): HttpClient {
  const client = createHttpClient({
    openSocket: (url, { onread }) =>
      new Promise((resolve, reject) => {
        const to = { host: "127.0.0.1", port: Number(url.port), onread };
        const open = () => resolve(socket);
        const tls = { ...to, servername: "localhost", ca };
        const socket = ca === undefined ? connect(to, open) : connectTls(tls, open);
        socket.once("error", reject);
      }),
  });
  closers.push(client.close);
  return client;
}

async function listen(server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path?x=1`);
}

const limits = { connectMs: 5_000, readMs: 5_000, totalMs: 5_000 };

test("a request arrives as it was given, its body in bytes of UTF-8", async () => {
  const url = await listen(
    createHttpServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, headers } = request;
      const body = Buffer.concat(chunks).toString();
      response.end(
        JSON.stringify({ method, url: request.url, host: headers.host, body, x: headers.x }),
      );
    }),
  );
  const answer = await newClient().request({
    ...{ url, method: "POST", headers: { x: "y" }, body: "naïve 🙂", ...limits },
  });
  expect(answer.kind === "answered" && JSON.parse(answer.body)).toEqual({
    ...{ method: "POST", url: "/path?x=1", host: url.host, body: "naïve 🙂", x: "y" },
  });
});

test("requests one after the other use one connection, at once at most 64", async () => {
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const server = createHttpServer((_request, response) => {
    if (isHeld) waiting.push(() => response.end());
    else response.end();
  });
  server.on("connection", (socket) => sockets.add(socket));
  const url = await listen(server);
  const client = newClient();
  const get = () => client.request({ url, method: "GET", headers: {}, ...limits });
  for (let count = 0; count < 5; count += 1) expect(await get()).toMatchObject({ status: 200 });
  expect(sockets.size).toBe(1);
  isHeld = true;
  const many = Array.from({ length: 200 }, get);
  while (waiting.length < 64) await new Promise((done) => setImmediate(done));
  expect(sockets.size).toBe(64);
  isHeld = false;
  for (const answer of waiting) answer();
  for (const answer of await Promise.all(many)) expect(answer).toMatchObject({ status: 200 });
  expect(sockets.size).toBe(64);
});

test("a connection that its server closed is not used again", async () => {
  let answered = 0;
  let closed = 0;
  const url = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined).on("close", () => (closed += 1));
      socket.once("data", () => {
        answered += 1;
        socket.write("HTTP/1.1 204 No Content\r\n\r\n", () => socket.end());
      });
    }),
  );
  const client = newClient();
  for (let count = 1; count <= 3; count += 1) {
    const answer = await client.request({ url, method: "GET", headers: {}, ...limits });
    expect(answer).toMatchObject({ kind: "answered", status: 204 });
    await expect.poll(() => closed).toBe(count); // the client has read the end of the connection
  }
  expect(answered).toBe(3);
});

test("a request whose connection ends without an answer fails and is not sent again", async () => {
  let came = 0;
  const url = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        came += 1;
        socket.destroy();
      });
    }),
  );
  const answer = await newClient().request({ url, method: "POST", headers: {}, ...limits });
  expect(answer).toEqual({ kind: "failed", reason: "protocol", hasBegun: true });
  expect(came).toBe(1);
});

test("what a server says without being asked is not taken for an answer", async () => {
  let connections = 0;
  let closed = 0;
  const url = await listen(
    createServer((socket) => {
      connections += 1;
      const isFirst = connections === 1;
      socket.on("error", () => undefined).on("close", () => (closed += 1));
      socket.on("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue");
        if (isFirst)
          setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nlie"), 5);
      });
    }),
  );
  const client = newClient();
  const get = () => client.request({ url, method: "GET", headers: {}, ...limits });
  expect(await get()).toMatchObject({ body: "true" });
  await expect.poll(() => closed).toBe(1); // the client has read the lie
  expect(await get()).toMatchObject({ body: "true" });
  expect(connections).toBe(2);
});

test("a server that cannot be connected is told so", async () => {
  const url = await listen(createServer());
  for (const closer of closers.splice(0)) closer();
  const answer = await newClient().request({ url, method: "GET", headers: {}, ...limits });
  expect(answer).toEqual({ kind: "failed", reason: "connect", hasBegun: false });
});

const [certificate] = makeCertificates();

test.skipIf(certificate === undefined)(
  "an answer over TLS is whole, however many reads it takes (needs openssl)",
  async () => {
    const body = "naïve 🙂".repeat(4_000);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    const server = createTlsServer({ ...certificate }, (socket) => {
      socket.on("error", () => undefined).on("data", () => socket.write(head + body));
    });
    const url = await listen(server);
    const client = newClient(certificate?.cert);
    for (let count = 1; count <= 2; count += 1) {
      const answer = await client.request({ url, method: "GET", headers: {}, ...limits });
      expect(answer).toMatchObject({ kind: "answered", body, isTruncated: false });
    }
  },
);

test.each([5_000, 50])(
  "a read timeout is each request's own, on a connection that had one of %d ms before",
  async (readMs) => {
    let came = 0;
    const url = await listen(
      createServer((socket) => {
        socket
          .on("error", () => undefined)
          .on("data", () => {
            came += 1;
            if (came === 1) socket.write("HTTP/1.1 204 No Content\r\n\r\n");
          });
      }),
    );
    const client = newClient();
    const get = (ms: number) =>
      client.request({ url, method: "GET", headers: {}, ...limits, readMs: ms });
    expect(await get(readMs)).toMatchObject({ kind: "answered", status: 204 });
    expect(await get(50)).toEqual({ kind: "failed", reason: "read-timeout", hasBegun: true });
    expect(came).toBe(2);
  },
);
