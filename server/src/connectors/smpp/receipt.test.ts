import { expect, test } from "vitest";
import { emptyMessage, type ShortMessage, tlvs } from "../../smpp/pdus.ts";
import { isReceipt, readReceipt } from "./receipt.ts";

const plain =
  "id:0059113978 sub:001 dlvrd:001 submit date:1005232039 done date:1005242339 stat:DELIVRD err:000 text:Hello";
const delivered = {
  ...{ carrierMessageId: "0059113978", status: "delivered", errorCode: undefined },
  ...{ carrierCode: "DELIVRD 000", doneDate: "1005242339" },
};

function receipt(text: string, fields: Partial<ShortMessage> = {}): ShortMessage {
  const shortMessage = Buffer.from(text, "latin1");
  return { ...emptyMessage, esmClass: 0x04, shortMessage, ...fields };
}

function tlv(entries: readonly (readonly [number, string | readonly number[]])[]) {
  const bytes = (value: string | readonly number[]) =>
    typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from(value);
  return new Map(entries.map(([tag, value]) => [tag, bytes(value)]));
}

const ucs2 = Buffer.from(plain, "utf16le").swap16();

test.each<[string, ShortMessage, object]>([
  ["as appendix B has it", receipt(plain), delivered],
  ["labels in capitals", receipt(plain.replace("text", "Text").replace("id", "ID")), delivered],
  [
    "fields in another order",
    receipt("stat:DELIVRD err:000 id:0059113978 done date:1005242339 sub:001"),
    delivered,
  ],
  [
    "without sub and dlvrd",
    receipt("id:0059113978 submit date:1005232039 done date:1005242339 stat:DELIVRD err:000"),
    delivered,
  ],
  ["commas between the fields", receipt(plain.replaceAll(/ (\w+ ?\w*:)/g, ", $1")), delivered],
  ["spaces behind the colons", receipt(plain.replaceAll(":", ": ")), delivered],
  ["underscores in the dates' names", receipt(plain.replaceAll(" date", "_date")), delivered],
  ["a NUL at the end", receipt("id:7 stat:DELIVRD err:000\0"), { carrierCode: "DELIVRD 000" }],
  [
    "dates with seconds",
    receipt(plain.replace("1005242339", "100524233955")),
    { ...delivered, doneDate: "100524233955" },
  ],
  [
    "dates with the century",
    receipt(plain.replace("1005242339", "20100524233955")),
    { ...delivered, doneDate: "100524233955" },
  ],
  [
    "a date of noughts",
    receipt(plain.replace("1005242339", "0000000000")),
    { ...delivered, doneDate: undefined },
  ],
  ["no dates at all", receipt("id:7 stat:DELIVRD"), { carrierCode: "DELIVRD" }],
  ["an error of one digit", receipt("id:7 stat:UNDELIV err:5"), { carrierCode: "UNDELIV 5" }],
  [
    "an error of four digits",
    receipt("id:7 stat:UNDELIV err:0021"),
    { carrierCode: "UNDELIV 0021" },
  ],
  ["an error with a letter", receipt("id:7 stat:UNDELIV err:21b"), { carrierCode: "UNDELIV 21b" }],
  ["a state that is longer", receipt("id:7 stat:DELIVERED"), { status: "delivered" }],
  ["FAILED", receipt("id:7 stat:FAILED err:1"), { status: "undelivered", errorCode: 30008 }],
  ["a state in small letters", receipt("id:7 stat:delivrd"), { status: "delivered" }],
  ["a state that nobody knows", receipt("id:7 stat:0"), { status: "sent", carrierCode: "0" }],
  [
    "a UUID",
    receipt(plain.replace("0059113978", "6f1b3f6e-0a52-4a9e-9a38-5a3a3a4e1c11")),
    { ...delivered, carrierMessageId: "6f1b3f6e-0a52-4a9e-9a38-5a3a3a4e1c11" },
  ],
  [
    "an id of 65 characters",
    receipt(plain.replace("0059113978", "a".repeat(65))),
    { ...delivered, carrierMessageId: "a".repeat(65) },
  ],
  [
    "an id beyond 2^53",
    receipt(plain.replace("0059113978", "9308878062554710043")),
    { ...delivered, carrierMessageId: "9308878062554710043" },
  ],
  ["in message_payload", receipt("", { tlvs: tlv([[tlvs.message_payload, plain]]) }), delivered],
  ["in UCS-2", receipt("", { shortMessage: ucs2, dataCoding: 8 }), delivered],
  [
    "in TLVs alone",
    receipt("", {
      tlvs: tlv([
        [tlvs.receipted_message_id, "38601fa\0"],
        [tlvs.message_state, [2]],
      ]),
    }),
    { carrierMessageId: "38601fa", status: "delivered", carrierCode: "DELIVRD" },
  ],
  [
    "another id in the TLV, which is the answer's",
    receipt(plain, { tlvs: tlv([[tlvs.receipted_message_id, "38601fa"]]) }),
    { ...delivered, carrierMessageId: "38601fa" },
  ],
  [
    "a state in a TLV beside a word that nobody knows",
    receipt("id:7 stat:0", { tlvs: tlv([[tlvs.message_state, [5]]]) }),
    { status: "undelivered", errorCode: 30005 },
  ],
  [
    "the network's error in a TLV",
    receipt("id:7 stat:UNDELIV", { tlvs: tlv([[tlvs.network_error_code, [3, 0, 27]]]) }),
    { carrierCode: "UNDELIV 027" },
  ],
  [
    "the network's error as three digits",
    receipt("id:7 stat:UNDELIV", { tlvs: tlv([[tlvs.network_error_code, "027"]]) }),
    { carrierCode: "UNDELIV 027" },
  ],
  ["a text that looks like a field", receipt(`${plain} stat:UNDELIV id:9`), delivered],
])("a receipt with %s is read", (_variant, pdu, expected) => {
  expect(isReceipt(pdu)).toBe(true);
  expect(readReceipt(pdu)).toMatchObject(expected);
});

test.each([
  [0, "sent", undefined],
  [1, "sent", undefined],
  [2, "delivered", undefined],
  [3, "undelivered", 30003],
  [4, "undelivered", 30008],
  [5, "undelivered", 30005],
  [6, "sent", undefined],
  [7, "sent", undefined],
  [8, "undelivered", 30007],
  [9, "undelivered", 30008],
  [200, "sent", undefined],
])("message_state %i means %s", (state, status, errorCode) => {
  const pdu = receipt("", {
    tlvs: tlv([
      [tlvs.receipted_message_id, "7"],
      [tlvs.message_state, [state]],
    ]),
  });
  expect(readReceipt(pdu)).toMatchObject({ status, errorCode });
});

test.each([
  ["with an empty type is known by its text", receipt(plain, { esmClass: 0 }), true],
  [
    "with an empty type is known by its TLV",
    receipt("", { esmClass: 0, tlvs: tlv([[tlvs.receipted_message_id, "7"]]) }),
    true,
  ],
  ["as an intermediate notification is one", receipt(plain, { esmClass: 0x20 }), true],
  ["is not what a phone says of one", receipt("my id:7 has stat:DELIVRD", { esmClass: 0 }), false],
  ["is not an ordinary text", receipt("id:7 please", { esmClass: 0 }), false],
])("a receipt %s", (_what, pdu, expected) => {
  expect(isReceipt(pdu)).toBe(expected);
});

test.each([
  ["the carrier's own code, with noughts", "err:027", [], { "27": 30004 }, 30004],
  ["the carrier's own code, of letters", "err:21B", [], { "21b": 30004 }, 30004],
  ["the carrier's before the network's", "err:9", [3, 0, 27], { "9": 30004 }, 30004],
  ["the network's: absent", "", [3, 0, 27], {}, 30003],
  ["the network's: not a mobile", "", [3, 0, 11], {}, 30006],
  ["a network that is no GSM", "", [1, 0, 27], {}, 30005],
  ["the state alone", "err:027", [], {}, 30005],
])("a failure is told by %s", (_what, err, network, errorCodes, expected) => {
  const all = network.length === 0 ? [] : ([[tlvs.network_error_code, network]] as const);
  const pdu = receipt(`id:7 stat:UNDELIV ${err}`, { tlvs: tlv(all) });
  expect(readReceipt(pdu, errorCodes)).toMatchObject({
    status: "undelivered",
    errorCode: expected,
  });
});

test("no error code makes a failure of what was delivered", () => {
  const pdu = receipt("id:7 stat:DELIVRD err:027");
  expect(readReceipt(pdu, { "27": 30003 })).toMatchObject({ errorCode: undefined });
});

test("a receipt without an id or a state says nothing", () => {
  expect(readReceipt(receipt("stat:DELIVRD"))).toBeUndefined();
  expect(readReceipt(receipt("id:7"))).toBeUndefined();
});
