import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePdu, PDU_BYTES_MAX, SmppDecodeError } from "./decode-pdu.ts";
import { encodePdu } from "./encode-pdu.ts";
import { type FieldKind, layouts } from "./layouts.ts";
import {
  type CommandName,
  commands,
  emptyMessage,
  isResponse,
  type Pdu,
  statuses,
  tlvs,
} from "./pdus.ts";

const names = Object.keys(commands) as CommandName[];
const byte = fc.integer({ min: 0, max: 255 });
const octets = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const text = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 65 })
  .map((codes) => String.fromCharCode(...codes));
const address = { ton: byte, npi: byte, address: text };

const values: Record<FieldKind, fc.Arbitrary<unknown>> = {
  text,
  byte,
  octets: octets(255),
  tlvs: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 0xffff }), octets(300)), { maxLength: 5 })
    .map((entries) => new Map(entries)),
  destinations: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("address"), ...address }),
      fc.record({ kind: fc.constant("list"), name: text }),
    ),
    { maxLength: 20 },
  ),
  unsuccesses: fc.array(
    fc.record({ ...address, status: fc.integer({ min: 0, max: 0xffffffff }) }),
    { maxLength: 20 },
  ),
};

function pdusOf(command: CommandName): fc.Arbitrary<Pdu> {
  const isRequestOfMessage = command === "submit_sm" || command === "deliver_sm";
  return fc.record({
    command: fc.constant(command),
    status: isRequestOfMessage ? fc.constant(0) : fc.integer({ min: 0, max: 0xffffffff }),
    sequence: fc.integer({ min: 1, max: 0x7fffffff }),
    ...Object.fromEntries(layouts[command].map(([name, kind]) => [name, values[kind]])),
  }) as unknown as fc.Arbitrary<Pdu>;
}

test.each(names)("%s comes back from its bytes as it went in", (command) => {
  void fc.assert(
    fc.property(pdusOf(command), (pdu) => {
      expect(decodePdu(encodePdu(pdu))).toEqual(pdu);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test.each(names.filter((name) => !isResponse(name)))(
  "a %s cut anywhere before its TLVs is an error with its sequence",
  (command) => {
    const layout = layouts[command];
    void fc.assert(
      fc.property(pdusOf(command), fc.nat(), (pdu, seed) => {
        const whole = encodePdu("tlvs" in pdu ? { ...pdu, tlvs: new Map() } : pdu);
        if (layout.length === 0) return;
        const length = 16 + (seed % (whole.length - 16));
        const cut = Buffer.from(whole.subarray(0, length));
        cut.writeUInt32BE(length, 0);
        const error = decodePdu(cut);
        expect(error).toBeInstanceOf(SmppDecodeError);
        const { command, sequence } = pdu;
        expect(error).toMatchObject({ command, sequence, isFatal: false });
      }),
      { seed: 2, numRuns: 50 },
    );
  },
);

test.each(names.filter(isResponse))("a %s that is a header alone is read as such", (command) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(16, 0);
  bytes.writeUInt32BE(commands[command], 4);
  bytes.writeUInt32BE(statuses.throttled, 8);
  bytes.writeUInt32BE(7, 12);
  expect(decodePdu(bytes)).toMatchObject({ command, status: statuses.throttled, sequence: 7 });
});

test("a submit_sm has the bytes of the specification", () => {
  const bytes = encodePdu({
    ...emptyMessage,
    ...{ command: "submit_sm", status: 0, sequence: 1, sourceTon: 5, source: "AB" },
    ...{ destTon: 1, destNpi: 1, dest: "15", registeredDelivery: 1 },
    shortMessage: Buffer.from("Hi"),
    tlvs: new Map([[tlvs.user_message_reference, Buffer.from([1, 2])]]),
  });
  expect(bytes.toString("hex")).toBe(
    [
      ...["0000002d", "00000004", "00000000", "00000001"],
      ...["00", "05", "00", "414200", "01", "01", "313500", "000000"],
      ...["00", "00", "01", "00", "00", "00", "02", "4869", "0204", "0002", "0102"],
    ].join(""),
  );
});

test("an unterminated text in a submit_sm is an error, not the rest of the body", () => {
  const bytes = encodePdu({ ...emptyMessage, command: "submit_sm", status: 0, sequence: 9 });
  bytes.fill(0x41, 16);
  expect(decodePdu(bytes)).toMatchObject({ status: statuses.invalidCommandLength, sequence: 9 });
});

test("an unknown command is an error with its sequence", () => {
  const bytes = Buffer.from("00000010000000990000000000000005", "hex");
  expect(decodePdu(bytes)).toMatchObject({
    ...{ status: statuses.invalidCommandId, sequence: 5, command: undefined },
  });
});

test("a TLV longer than its PDU refuses a submit_sm but not a deliver_sm, whose text counts", () => {
  const withBadTlv = (command: "submit_sm" | "deliver_sm") => {
    const tlv = new Map([[0x1400, Buffer.from("abc")]]);
    const bytes = encodePdu({ ...emptyMessage, command, status: 0, sequence: 3, tlvs: tlv });
    bytes.writeUInt16BE(50, bytes.length - 5);
    return decodePdu(bytes);
  };
  expect(withBadTlv("submit_sm")).toMatchObject({ status: statuses.invalidTlvStream });
  expect(withBadTlv("deliver_sm")).toMatchObject({ command: "deliver_sm", tlvs: new Map() });
});

test("padding behind a message is not a TLV", () => {
  const bytes = encodePdu({ ...emptyMessage, command: "submit_sm", status: 0, sequence: 3 });
  const padded = Buffer.concat([bytes, Buffer.alloc(3)]);
  padded.writeUInt32BE(padded.length, 0);
  expect(decodePdu(padded)).toMatchObject({ command: "submit_sm", tlvs: new Map() });
});

test("a message id without its NUL is still a message id", () => {
  const bytes = encodePdu({ command: "submit_sm_resp", status: 0, sequence: 3, messageId: "a1f" });
  const cut = Buffer.from(bytes.subarray(0, bytes.length - 1));
  cut.writeUInt32BE(cut.length, 0);
  expect(decodePdu(cut)).toMatchObject({ messageId: "a1f" });
});

test("a NUL or a character beyond Latin-1 cannot shift the fields behind it", () => {
  const bytes = encodePdu({
    ...{ ...emptyMessage, command: "submit_sm", status: 0, sequence: 1, source: "a\0b—c" },
    dest: "1555",
  });
  expect(decodePdu(bytes)).toMatchObject({ source: "a?b?c", dest: "1555" });
});

test.each([
  ["a short message over 255 bytes", { shortMessage: Buffer.alloc(256) }],
  ["a TLV over 64 KB", { tlvs: new Map([[tlvs.message_payload, Buffer.alloc(65_536)]]) }],
  [
    "a PDU over its bound",
    { tlvs: new Map([1, 2].map((tag) => [tag, Buffer.alloc(PDU_BYTES_MAX / 2)])) },
  ],
])("%s is refused before a byte is written", (_what, fields) => {
  const message = { ...emptyMessage, ...fields, command: "submit_sm" as const };
  expect(() => encodePdu({ ...message, status: 0, sequence: 1 })).toThrow(RangeError);
});
