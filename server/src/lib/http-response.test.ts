import fc from "fast-check";
import { expect, test } from "vitest";
import { createResponseReader } from "./http-response.ts";

const BODY_BYTES_MAX = 1_000;

/** Reads an answer that comes in these pieces, and then the end of the connection if it needs it. */
function read(...pieces: readonly (string | Buffer)[]) {
  const reader = createResponseReader(BODY_BYTES_MAX);
  let reading = "more";
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    if (reading === "more") reading = reader.add(bytes);
    bytes.fill("?"); // as a connection does, which reads all its chunks into the same bytes
  }
  const atEnd = reading === "more" ? reader.end() : reading;
  return {
    ...{ reading, atEnd, status: reader.status(), body: reader.body(), isKept: reader.isKept() },
    headers: { ...reader.headers() },
  };
}

test.each([
  ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true],
  ["of an old server", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false],
  [
    "of an old server that keeps",
    "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
    "hi",
    true,
  ],
  ["without a reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", true],
  [
    "that closes",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    "hi",
    false,
  ],
  ["after 100 Continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", true],
  ["without a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", true],
  [
    "in chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
    "hello!",
    true,
  ],
  [
    "in chunks and with a length, which is then no matter",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "hi",
    true,
  ],
  ["with more behind it", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", "hi", false],
])("an answer %s is complete", (_name, text, body, isKept) => {
  expect(read(text)).toMatchObject({ reading: "complete", body, isKept });
});

test("an answer without a length ends with its connection", () => {
  const answer = read("HTTP/1.1 200 OK\r\n\r\n", "hello ", "you");
  expect(answer).toMatchObject({ reading: "more", atEnd: "complete", body: "hello you" });
  expect(answer.isKept).toBe(false);
});

test.each([
  ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["HTTP/2", "HTTP/2 200\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nhello\r\n\r\n"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
  ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi"],
  ["a coding that nobody asked for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n"],
  ["another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["a head without an end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`],
  [
    "a size without an end",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1".repeat(2_000)}`,
  ],
])("%s is malformed", (_name, text) => {
  expect(read(text).reading).toBe("malformed");
});

test.each([
  ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"],
  ["without one", "HTTP/1.1 200 OK\r\n\r\n"],
  ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"],
])("a body over the bound, %s, is read up to it", (_name, head) => {
  const { reading, body } = read(head, "x".repeat(1_001));
  expect({ reading, length: body.length }).toEqual({ reading: "too long", length: 1_000 });
});

test("an answer that ends before its length is malformed", () => {
  expect(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello").atEnd).toBe("malformed");
});

test("headers are told by lower-case name, the same name twice with a comma", () => {
  const { headers } = read(
    "HTTP/1.1 429 Slow\r\nRetry-After:  7 \r\nVia: a\r\nVIA: b\r\n__proto__: x\r\nContent-Length: 0\r\n\r\n",
  );
  expect(headers).toMatchObject({ "retry-after": "7", via: "a, b" });
});

test("an answer means the same however it is cut into pieces", () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n\r\n!\r\n0\r\n\r\n",
    "HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!",
  ];
  void fc.assert(
    fc.property(
      fc.constantFrom(...answers),
      fc.array(fc.nat(120), { maxLength: 30 }),
      (answer, cuts) => {
        const places = [...new Set([0, ...cuts.filter((at) => at < answer.length)])].sort(
          (a, b) => a - b,
        );
        const pieces = places.map((at, index) => answer.slice(at, places[index + 1]));
        expect(read(...pieces)).toEqual(read(answer));
      },
    ),
  );
});

test("of one answer after the other each is read by itself, whether its head is like the one before or not", () => {
  const reader = createResponseReader(BODY_BYTES_MAX);
  const answers: readonly (readonly [string[], number, string])[] = [
    [["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"], 200, "hi"],
    [["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho"], 200, "ho"],
    [["HTTP/1.1 200 OK\r\nCont", "ent-Length: 2\r\n\r\n", "ha"], 200, "ha"],
    [["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey"], 200, "hey"],
    [["HTTP/1.1 204 No Content\r\n\r\n"], 204, ""],
    [["HTTP/1.1 204 No Content\r\n\r\n"], 204, ""],
    [["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"], 200, "yes"],
  ];
  for (const [pieces, status, body] of answers) {
    const readings = pieces.map((piece) => reader.add(Buffer.from(piece)));
    expect(readings.at(-1)).toBe("complete");
    expect([reader.status(), reader.body(), reader.isKept()]).toEqual([status, body, true]);
    reader.forget();
  }
});
