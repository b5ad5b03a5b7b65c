import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePdu } from "../../smpp/encode-pdu.ts";
import { emptyMessage, type Pdu, tlvs } from "../../smpp/pdus.ts";
import { parseSmppSettings } from "./settings.ts";
import { createTrace, TRACED_BYTES_MAX, TRACED_PDUS_MAX } from "./trace.ts";

const settings = parseSmppSettings({ host: "a", port: 1, systemId: "us", password: "secret" });
const start = new Date("2026-11-24T12:00:00Z");
const submit: Pdu = {
  ...{ ...emptyMessage, command: "submit_sm", status: 0, sequence: 4, dataCoding: 8 },
  ...{ source: "15550100", dest: "15550101", shortMessage: Buffer.from("04220438", "hex") },
  tlvs: new Map([
    [0x1400, Buffer.from("1001\0")],
    [tlvs.message_payload, Buffer.from("secret")],
    [tlvs.sar_total_segments, Buffer.from([3])],
  ]),
};
const all = { after: undefined, limit: 1_000, isClear: false };

function startTrace() {
  const trace = createTrace({ clock: () => start, settings });
  const ofBind = (name: string) => {
    const tell = trace.ofBind(name);
    return (way: "sent" | "received", pdu: Pdu) => tell(way, encodePdu(pdu));
  };
  return { ...trace, ofBind, tell: ofBind("1 transceiver") };
}

test("numbers and texts are masked, and shown when asked for", () => {
  const { tell, read } = startTrace();
  tell("sent", submit);
  const [masked] = read(all);
  expect(masked).toMatchObject({
    ...{ at: start, bind: "1 transceiver", way: "sent", command: "submit_sm", sequence: 4 },
  });
  expect(masked?.fields).toEqual({
    ...{ source: "******00", dest: "******01", dataCoding: 8, shortMessage: "4 octets" },
    ...{ "0x1400": "1001", message_payload: "6 octets", sar_total_segments: "03" },
  });
  expect(read({ ...all, isClear: true })[0]?.fields).toMatchObject({
    ...{ source: "15550100", shortMessage: "Ти", message_payload: "secret" },
  });
});

test("a receipt tells its id and state without the text it quotes", () => {
  const { tell, read } = startTrace();
  const text = "id:38601fa done date:2611241200 stat:UNDELIV err:027 text:my secret";
  const receipt = { ...emptyMessage, esmClass: 4, shortMessage: Buffer.from(text) };
  tell("received", { ...receipt, command: "deliver_sm", status: 0, sequence: 1 });
  const data = { ...receipt, tlvs: new Map([[tlvs.message_payload, receipt.shortMessage]]) };
  tell("received", { ...data, command: "data_sm", status: 0, sequence: 2 });
  for (const { fields } of read(all)) expect(fields.receipt).toBe("38601fa UNDELIV 027");
  expect(JSON.stringify(read(all))).not.toContain("secret");
});

test("a password is never shown", () => {
  const { tell, read } = startTrace();
  const login = { systemId: "us", password: "secret", systemType: "", interfaceVersion: 0x34 };
  tell("sent", { command: "bind_transceiver", status: 0, sequence: 1, ...login });
  const [pdu] = read({ ...all, isClear: true });
  expect(pdu?.fields).toMatchObject({ systemId: "us", password: "***" });
});

test("what cannot be read is there with its reason", () => {
  const { ofBind, read } = createTrace({ clock: () => start, settings });
  const bytes = Buffer.from("00000011000000040000000000000007ff", "hex");
  ofBind("1 transceiver")("received", bytes);
  expect(read(all)).toMatchObject([
    {
      command: "submit_sm",
      sequence: 7,
      fields: { error: expect.stringContaining("ends before") },
    },
  ]);
});

test("a reader goes on where it was, over all binds, in order", () => {
  const { tell, read, ofBind } = startTrace();
  const other = ofBind("2 receiver");
  const ping = (sequence: number): Pdu => ({ command: "enquire_link", status: 0, sequence });
  tell("sent", ping(1));
  other("sent", ping(2));
  tell("sent", ping(3));
  const [first] = read({ ...all, after: 0, limit: 1 });
  expect(first?.sequence).toBe(1);
  const next = read({ ...all, after: first?.number });
  expect(next.map(({ bind, sequence }) => [bind, sequence])).toEqual([
    ["2 receiver", 2],
    ["1 transceiver", 3],
  ]);
  expect(read({ ...all, limit: 1 }).map(({ sequence }) => sequence)).toEqual([3]);
});

test("the oldest go first: by their count, and by their bytes", () => {
  const { tell, read } = startTrace();
  for (let sequence = 1; sequence <= TRACED_PDUS_MAX + 10; sequence += 1) {
    tell("sent", { command: "enquire_link", status: 0, sequence });
  }
  const kept = read({ ...all, after: 0, limit: 10_000 });
  expect([kept.length, kept[0]?.sequence]).toEqual([TRACED_PDUS_MAX, 11]);
  const payloadBytes = 60_000;
  for (let sequence = 1; sequence <= 200; sequence += 1) {
    const octets = Buffer.alloc(payloadBytes, sequence);
    tell("sent", { ...submit, sequence, tlvs: new Map([[tlvs.message_payload, octets]]) });
  }
  const large = read({ ...all, after: 0, isClear: true });
  expect(large.length).toBeLessThanOrEqual(TRACED_BYTES_MAX / payloadBytes);
  expect(large.length).toBeGreaterThan(TRACED_BYTES_MAX / payloadBytes - 2);
  expect(large.at(-1)?.sequence).toBe(200);
  for (const { sequence, fields } of large) {
    const octet = String.fromCharCode(sequence);
    expect(fields.message_payload).toBe(octet.repeat(payloadBytes));
  }
});

test("each PDU is read as it was, whatever its size and however many came before it", () => {
  void fc.assert(
    fc.property(fc.array(fc.nat(30_000), { minLength: 1, maxLength: 300 }), (sizes) => {
      const { tell, read } = startTrace();
      for (const [index, size] of sizes.entries()) {
        const octets = Buffer.alloc(size, 65 + (index % 26));
        const dest = String(size);
        const payload = new Map([[tlvs.message_payload, octets]]);
        tell("sent", { ...submit, dest, sequence: index + 1, tlvs: payload });
      }
      const kept = read({ ...all, after: 0, isClear: true });
      expect(kept.at(-1)?.sequence).toBe(sizes.length);
      for (const { sequence, fields } of kept) {
        const size = sizes[sequence - 1] ?? 0;
        const octet = String.fromCharCode(65 + ((sequence - 1) % 26));
        expect(fields).toMatchObject({ dest: String(size), message_payload: octet.repeat(size) });
      }
    }),
    { numRuns: 50 },
  );
});
