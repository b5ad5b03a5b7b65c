import { createServer } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuardedDialer } from "./guarded-dialer.ts";
import { responseBytesMax } from "./http-exchange.ts";

const server = createServer((request, response) => {
  if (request.url === "/long") response.end("x".repeat(responseBytesMax + 1));
  else if (request.url === "/moved") response.writeHead(302, { location: "/" }).end();
  else if (request.url === "/endless") response.writeHead(200).write("and so on");
  else if (request.url !== "/silent") response.end("hello");
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const limits = { connectMs: 2_000, readMs: 2_000, totalMs: 2_000 };
const get = (url: string) => ({
  url: new URL(url),
  method: "GET" as const,
  headers: {},
  ...limits,
});
const resolvesTo =
  (...addresses: string[]): LookupFunction =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );

test.each([
  "127.0.0.1",
  "0x7f.1",
  "2130706433",
  "0177.0.0.1",
  "127.0.0.1.",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "10.1.2.3",
  "169.254.169.254",
  "[64:ff9b::7f00:1]",
  "[2002:7f00:1::]",
  "[fd00::1]",
  "[fe80::1]",
  "[::]",
  "100.64.0.1",
])("the literal %s is refused by its check, by HTTP and as a socket", async (host) => {
  const dialer = createGuardedDialer({ allow: [] });
  expect(dialer.checkUrl(`http://${host}/`)).toMatchObject({ kind: "refused" });
  expect(await dialer.request(get(`http://${host}:${port}/`))).toEqual({
    kind: "failed",
    reason: "address-refused",
    hasBegun: false,
  });
  await expect(dialer.connectSocket(host, port)).rejects.toThrow("private or reserved");
  await dialer.close();
});

test("a name with one private address among public ones is refused", async () => {
  const dialer = createGuardedDialer({
    allow: [],
    lookup: resolvesTo("93.184.216.34", "127.0.0.1"),
  });
  expect(await dialer.request(get(`http://shop.test:${port}/`))).toEqual({
    kind: "failed",
    reason: "address-refused",
    hasBegun: false,
  });
  await expect(dialer.connectSocket("shop.test", port)).rejects.toThrow("private or reserved");
  await dialer.close();
});

test("a name that turns private after its first answer is refused when it is dialled again", async () => {
  let calls = 0;
  const lookup: LookupFunction = (host, options, callback) => {
    calls += 1;
    resolvesTo(calls === 1 ? "127.0.0.1" : "127.0.0.2")(host, options, callback);
  };
  const dialer = createGuardedDialer({ allow: ["127.0.0.1/32"], lookup });
  const socket = await dialer.connectSocket("shop.test", port);
  socket.destroy();
  await expect(dialer.connectSocket("shop.test", port)).rejects.toThrow("private or reserved");
  await dialer.close();
});

test("an allowed private network is reached", async () => {
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  expect(await dialer.request(get(`http://127.0.0.1:${port}/`))).toMatchObject({
    status: 200,
    body: "hello",
  });
  await dialer.close();
});

test("a redirect is an answer and is not followed", async () => {
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  expect(await dialer.request(get(`http://127.0.0.1:${port}/moved`))).toMatchObject({
    status: 302,
  });
  await dialer.close();
});

test("an answer is read up to its bound", async () => {
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  const answer = await dialer.request(get(`http://127.0.0.1:${port}/long`));
  expect(answer).toMatchObject({ status: 200, isTruncated: true });
  expect(answer.kind === "answered" && answer.body.length).toBe(responseBytesMax);
  await dialer.close();
});

test("a host that says nothing fails after the read timeout", async () => {
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  const silent = { ...get(`http://127.0.0.1:${port}/silent`), readMs: 50 };
  expect(await dialer.request(silent)).toEqual({
    kind: "failed",
    reason: "read-timeout",
    hasBegun: true,
  });
  await dialer.close();
});

test.each([
  ["longer than all of it may last", { readMs: 5_000, totalMs: 50 }],
  ["shorter than all of it may last", { readMs: 40, totalMs: 80 }],
])("an answer without an end fails, the read timeout being %s", async (_name, times) => {
  const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });
  const endless = { ...get(`http://127.0.0.1:${port}/endless`), ...times };
  expect(await dialer.request(endless)).toEqual({
    kind: "failed",
    reason: "read-timeout",
    hasBegun: true,
  });
  await dialer.close();
});

test("a host that cannot be connected fails after the connect timeout", async () => {
  const dialer = createGuardedDialer({ allow: [], lookup: () => undefined });
  const away = { ...get(`http://shop.test:${port}/`), connectMs: 50 };
  expect(await dialer.request(away)).toEqual({
    kind: "failed",
    reason: "connect-timeout",
    hasBegun: false,
  });
  await dialer.close();
});
