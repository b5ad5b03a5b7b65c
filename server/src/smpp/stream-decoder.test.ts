import fc from "fast-check";
import { expect, test } from "vitest";
import { SmppDecodeError } from "./decode-pdu.ts";
import { encodePdu } from "./encode-pdu.ts";
import { emptyMessage, type Pdu, tlvs } from "./pdus.ts";
import { createStreamDecoder } from "./stream-decoder.ts";

const pdus: Pdu[] = [
  { command: "enquire_link", status: 0, sequence: 1 },
  {
    ...{ ...emptyMessage, command: "submit_sm", status: 0, sequence: 2, source: "Longwave" },
    shortMessage: Buffer.from("a text"),
  },
  { command: "submit_sm_resp", status: 0, sequence: 3, messageId: "5", tlvs: new Map() },
];
const stream = Buffer.concat(pdus.map(encodePdu));

test("PDUs are the same however the network cuts them", () => {
  void fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const decoder = createStreamDecoder();
      const found: (Pdu | SmppDecodeError)[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        // A copy, as sockets reuse nothing but a view must not depend on it.
        decoder.push(Buffer.from(stream.subarray(at, at + size)), (pdu) => found.push(pdu));
        at += size;
      }
      expect(found).toEqual(pdus);
    }),
    { seed: 3 },
  );
});

test("a PDU of 64 KB that comes byte by byte is copied once, not once a byte", () => {
  const payload = new Map([[tlvs.message_payload, Buffer.alloc(65_000, 1)]]);
  const one = encodePdu({
    ...{ ...emptyMessage, command: "deliver_sm", status: 0, sequence: 1, tlvs: payload },
  });
  const decoder = createStreamDecoder();
  let copied = 0;
  let count = 0;
  for (const byte of one) {
    const chunk = Buffer.from([byte]);
    const copy = chunk.copy.bind(chunk);
    chunk.copy = (...args: Parameters<typeof copy>) => {
      const bytes = copy(...args);
      copied += bytes;
      return bytes;
    };
    count += decoder.push(chunk, () => undefined);
  }
  expect({ count, copied }).toEqual({ count: 1, copied: one.length });
});

test.each([
  ["length 0", "00000000"],
  ["length 15", "0000000f"],
  ["length 2^31", "80000000"],
  ["length 2^32 - 1", "ffffffff"],
  ["a browser", Buffer.from("GET / HTTP/1.1\r\n").toString("hex")],
  ["TLS", "160301020001000001fc0303"],
])("%s ends the stream at once, whole or byte by byte", (_what, hex) => {
  const bytes = Buffer.from(hex, "hex");
  const push = (chunks: readonly Buffer[]) => {
    const decoder = createStreamDecoder();
    for (const chunk of chunks) decoder.push(chunk, () => undefined);
  };
  expect(() => push([bytes])).toThrow(SmppDecodeError);
  expect(() => push([...bytes].map((byte) => Buffer.from([byte])))).toThrow(SmppDecodeError);
});

test("one bad PDU is told and the next is read", () => {
  const unknown = Buffer.from("00000010000000990000000000000005", "hex");
  const found: unknown[] = [];
  createStreamDecoder().push(Buffer.concat([unknown, stream]), (pdu) => found.push(pdu));
  expect(found[0]).toBeInstanceOf(SmppDecodeError);
  expect(found.slice(1)).toEqual(pdus);
});
