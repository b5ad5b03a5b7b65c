import { layouts } from "./layouts.ts";
import {
  type CommandName,
  commandNames,
  type Destination,
  isResponse,
  noTlvs,
  type Pdu,
  RESPONSE_BIT,
  type ShortMessage,
  statuses,
  type Tlvs,
  type Unsuccess,
} from "./pdus.ts";

export const HEADER_BYTES = 16;
/** A message with its payload TLV fits in 64 KB; nothing that is larger is a PDU. */
export const PDU_BYTES_MAX = 70_000;

/** Bytes that are no PDU. The status says what to answer; without a frame the session ends. */
export class SmppDecodeError extends Error {
  readonly status: number;
  readonly sequence: number;
  /** The command whose body is wrong; nothing when there is no such command. */
  readonly command: CommandName | undefined;
  /** A response is never answered, known or not. */
  readonly isResponse: boolean;
  /** The stream's frames are lost: nothing after this can be read. */
  readonly isFatal: boolean;
  constructor(
    why: string,
    at: {
      status: number;
      sequence: number;
      command?: CommandName;
      isResponse: boolean;
      isFatal: boolean;
    },
  ) {
    super(why);
    this.name = "SmppDecodeError";
    this.status = at.status;
    this.sequence = at.sequence;
    this.command = at.command;
    this.isResponse = at.isResponse;
    this.isFatal = at.isFatal;
  }
}

/** One whole PDU (section 3.2). Errors are values, so that one bad PDU does not end the stream. */
export function decodePdu(bytes: Buffer): Pdu | SmppDecodeError {
  const id = bytes.readUInt32BE(4);
  const command = commandNames.get(id);
  const sequence = bytes.readUInt32BE(12);
  if (command === undefined) {
    return new SmppDecodeError(`There is no command 0x${id.toString(16)}.`, {
      ...{ status: statuses.invalidCommandId, sequence, isFatal: false },
      isResponse: id >= RESPONSE_BIT,
    });
  }
  try {
    return decodeBody(command, bytes.readUInt32BE(8), sequence, bytes);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return new SmppDecodeError(`The ${command} ends before its fields do.`, {
      ...{ status: error.status, sequence, command, isFatal: false },
      isResponse: isResponse(command),
    });
  }
}

class FieldError extends Error {
  readonly status: number;
  constructor(status: number) {
    super("The body ends before its fields do.");
    this.status = status;
  }
}

function decodeBody(command: CommandName, status: number, sequence: number, bytes: Buffer): Pdu {
  // A carrier's answer is never worth a lost request: what a response lacks is empty or zero. The
  // same goes for the TLVs of deliver_sm, which would only come again, as wrong as before.
  const isLenient = isResponse(command);
  const reader: Reader = { bytes, at: HEADER_BYTES, isLenient };
  switch (command) {
    // The two that are on every message's way are written out; the others follow their layout.
    case "submit_sm":
    case "deliver_sm":
      return readMessage(reader, command, status, sequence);
    case "submit_sm_resp":
    case "deliver_sm_resp":
      return { command, status, sequence, messageId: readText(reader), tlvs: readTlvs(reader) };
    default: {
      const pdu: Record<string, unknown> = { command, status, sequence };
      for (const [name, kind] of layouts[command]) pdu[name] = readers[kind](reader);
      return pdu as Pdu;
    }
  }
}

type Reader = { readonly bytes: Buffer; at: number; isLenient: boolean };

function readMessage(
  reader: Reader,
  command: "submit_sm" | "deliver_sm",
  status: number,
  sequence: number,
): Pdu {
  const pdu: ShortMessage & { command: typeof command; status: number; sequence: number } = {
    command,
    status,
    sequence,
    serviceType: readText(reader),
    sourceTon: readByte(reader),
    sourceNpi: readByte(reader),
    source: readText(reader),
    destTon: readByte(reader),
    destNpi: readByte(reader),
    dest: readText(reader),
    esmClass: readByte(reader),
    protocolId: readByte(reader),
    priority: readByte(reader),
    scheduleTime: readText(reader),
    validityPeriod: readText(reader),
    registeredDelivery: readByte(reader),
    replaceIfPresent: readByte(reader),
    dataCoding: readByte(reader),
    defaultMsgId: readByte(reader),
    shortMessage: readOctets(reader, readByte(reader)),
    tlvs: readTlvs(reader, command === "deliver_sm"),
  };
  return pdu as Pdu;
}

const readers = {
  text: readText,
  byte: readByte,
  octets: (reader: Reader) => readOctets(reader, readByte(reader)),
  tlvs: (reader: Reader) => readTlvs(reader),
  destinations: (reader: Reader): Destination[] => {
    return Array.from({ length: readByte(reader) }, () => readDestination(reader));
  },
  unsuccesses: (reader: Reader): Unsuccess[] => {
    return Array.from({ length: readByte(reader) }, () => {
      const [ton, npi, address] = [readByte(reader), readByte(reader), readText(reader)];
      const bytes = readOctets(reader, 4);
      return { ton, npi, address, status: bytes.length === 4 ? bytes.readUInt32BE(0) : 0 };
    });
  },
};

/** Section 5.2.25: dest_flag 1 is an address, 2 the name of a distribution list. */
function readDestination(reader: Reader): Destination {
  const flag = readByte(reader);
  if (flag === 2) return { kind: "list", name: readText(reader) };
  if (flag !== 1) throw new FieldError(statuses.invalidDestination);
  const [ton, npi, address] = [readByte(reader), readByte(reader), readText(reader)];
  return { kind: "address", ton, npi, address };
}

function readByte(reader: Reader): number {
  const byte = reader.bytes[reader.at];
  if (byte === undefined) return missing(reader, 0);
  reader.at += 1;
  return byte;
}

function missing<Value>(reader: Reader, value: Value): Value {
  if (!reader.isLenient) throw new FieldError(statuses.invalidCommandLength);
  return value;
}

function readText(reader: Reader): string {
  const { bytes, at } = reader;
  let end = at;
  while (end < bytes.length && bytes[end] !== 0) end += 1;
  if (end >= bytes.length) missing(reader, "");
  reader.at = end + 1;
  return end === at ? "" : bytes.toString("latin1", at, end);
}

function readOctets(reader: Reader, length: number): Buffer {
  const end = reader.at + length;
  if (end > reader.bytes.length) missing(reader, undefined);
  const octets = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return octets;
}

/** Fewer than four bytes are no TLV but padding, which some carriers leave at the end. */
function readTlvs(reader: Reader, isLenient = reader.isLenient): Tlvs {
  const { bytes } = reader;
  if (reader.at + 4 > bytes.length) return noTlvs;
  const found = new Map<number, Buffer>();
  let at = reader.at;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) {
      if (isLenient) break;
      throw new FieldError(statuses.invalidTlvStream);
    }
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, end));
    at = end;
  }
  reader.at = at;
  return found;
}
