import {
  type CommandName,
  commandNames,
  commands,
  type Pdu,
  type ShortMessage,
  statuses,
  type Tlvs,
} from "./pdus.ts";

const HEADER_BYTES = 16;
/** A message with its payload TLV fits in 64 KB; nothing that is larger is a PDU. */
export const PDU_BYTES_MAX = 70_000;

/** Bytes that are no PDU. The status says what to answer; without a frame the session ends. */
export class SmppDecodeError extends Error {
  readonly status: number;
  readonly sequence: number;
  /** The stream's frames are lost: nothing after this can be read. */
  readonly isFatal: boolean;
  constructor(why: string, at: { status: number; sequence: number; isFatal: boolean }) {
    super(why);
    this.name = "SmppDecodeError";
    this.status = at.status;
    this.sequence = at.sequence;
    this.isFatal = at.isFatal;
  }
}

/** Cuts a stream into PDUs and keeps at most one incomplete PDU. Fields are views of the input. */
export function createDecoder() {
  let rest: Buffer = Buffer.alloc(0);
  return {
    /** Calls back with each whole PDU, or with the error of a bad one. Throws when fatal. */
    push: (chunk: Buffer, onPdu: (pdu: Pdu | SmppDecodeError) => void): void => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (bytes.length >= 4) {
        const length = bytes.readUInt32BE(0);
        if (length < HEADER_BYTES || length > PDU_BYTES_MAX) {
          const status = statuses.invalidCommandLength;
          throw new SmppDecodeError(`A PDU cannot have ${length} bytes.`, {
            ...{ status, sequence: 0, isFatal: true },
          });
        }
        if (bytes.length < length) break;
        onPdu(decodePdu(bytes.subarray(0, length)));
        bytes = bytes.subarray(length);
      }
      rest = bytes;
    },
  };
}

/** One whole PDU (section 3.2). Errors are values, so that one bad PDU does not end the stream. */
export function decodePdu(bytes: Buffer): Pdu | SmppDecodeError {
  const command = commandNames.get(bytes.readUInt32BE(4));
  const status = bytes.readUInt32BE(8);
  const sequence = bytes.readUInt32BE(12);
  if (command === undefined) {
    return new SmppDecodeError(`There is no command 0x${bytes.readUInt32BE(4).toString(16)}.`, {
      ...{ status: statuses.invalidCommandId, sequence, isFatal: false },
    });
  }
  try {
    return decodeBody({ command, status, sequence }, bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return new SmppDecodeError(`The ${command} ends before its fields do.`, {
      ...{ status: statuses.invalidCommandLength, sequence, isFatal: false },
    });
  }
}

type DecodedHeader = { command: CommandName; status: number; sequence: number };

function decodeBody(header: DecodedHeader, bytes: Buffer): Pdu {
  const { command, status, sequence } = header;
  const reader = { bytes, at: HEADER_BYTES };
  switch (command) {
    case "submit_sm":
    case "deliver_sm":
      return { command, status, sequence, ...readMessage(reader) };
    case "submit_sm_resp":
    case "deliver_sm_resp":
      // Carriers send error responses as a header alone.
      return { command, status, sequence, messageId: readOptionalText(reader) };
    case "bind_receiver":
    case "bind_transmitter":
    case "bind_transceiver":
      return {
        ...{ command, status, sequence, systemId: readText(reader), password: readText(reader) },
        ...{ systemType: readText(reader), interfaceVersion: readByte(reader) },
      };
    case "bind_receiver_resp":
    case "bind_transmitter_resp":
    case "bind_transceiver_resp":
      return { command, status, sequence, systemId: readOptionalText(reader) };
    default:
      return { command, status, sequence };
  }
}

type Reader = { readonly bytes: Buffer; at: number };

function readMessage(reader: Reader): ShortMessage {
  return {
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
    shortMessage: readBytes(reader, readByte(reader)),
    tlvs: readTlvs(reader),
  };
}

function readByte(reader: Reader): number {
  const byte = reader.bytes.readUInt8(reader.at);
  reader.at += 1;
  return byte;
}

function readText(reader: Reader): string {
  const end = reader.bytes.indexOf(0, reader.at);
  if (end === -1) throw new RangeError("unterminated");
  const text = reader.bytes.toString("latin1", reader.at, end);
  reader.at = end + 1;
  return text;
}

function readOptionalText(reader: Reader): string {
  return reader.at < reader.bytes.length ? readText(reader) : "";
}

function readBytes(reader: Reader, length: number): Buffer {
  if (reader.at + length > reader.bytes.length) throw new RangeError("short");
  const bytes = reader.bytes.subarray(reader.at, reader.at + length);
  reader.at += length;
  return bytes;
}

const noTlvs: Tlvs = new Map();

function readTlvs(reader: Reader): Tlvs {
  if (reader.at >= reader.bytes.length) return noTlvs;
  const found = new Map<number, Buffer>();
  while (reader.at < reader.bytes.length) {
    const tag = reader.bytes.readUInt16BE(reader.at);
    const length = reader.bytes.readUInt16BE(reader.at + 2);
    reader.at += 4;
    found.set(tag, readBytes(reader, length));
  }
  return found;
}

/** The bytes of a PDU. Text fields must be Latin-1 without NUL; short messages at most 254 bytes. */
export function encodePdu(pdu: Pdu): Buffer {
  const body = encodeBody(pdu);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(commands[pdu.command], 4);
  bytes.writeUInt32BE(pdu.status, 8);
  bytes.writeUInt32BE(pdu.sequence, 12);
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

const noBytes = Buffer.alloc(0);

function encodeBody(pdu: Pdu): Buffer {
  switch (pdu.command) {
    case "submit_sm":
    case "deliver_sm":
      return encodeMessage(pdu);
    case "submit_sm_resp":
    case "deliver_sm_resp":
      return Buffer.from(`${pdu.messageId}\0`, "latin1");
    case "bind_receiver":
    case "bind_transmitter":
    case "bind_transceiver":
      return Buffer.concat([
        Buffer.from(`${pdu.systemId}\0${pdu.password}\0${pdu.systemType}\0`, "latin1"),
        Buffer.from([pdu.interfaceVersion, 0, 0, 0]),
      ]);
    case "bind_receiver_resp":
    case "bind_transmitter_resp":
    case "bind_transceiver_resp":
      return Buffer.from(`${pdu.systemId}\0`, "latin1");
    default:
      return noBytes;
  }
}

function encodeMessage(pdu: ShortMessage): Buffer {
  const parts = [
    Buffer.from(`${pdu.serviceType}\0`, "latin1"),
    Buffer.from([pdu.sourceTon, pdu.sourceNpi]),
    Buffer.from(`${pdu.source}\0`, "latin1"),
    Buffer.from([pdu.destTon, pdu.destNpi]),
    Buffer.from(`${pdu.dest}\0`, "latin1"),
    Buffer.from([pdu.esmClass, pdu.protocolId, pdu.priority]),
    Buffer.from(`${pdu.scheduleTime}\0${pdu.validityPeriod}\0`, "latin1"),
    Buffer.from([
      ...[pdu.registeredDelivery, pdu.replaceIfPresent, pdu.dataCoding, pdu.defaultMsgId],
      pdu.shortMessage.length,
    ]),
    pdu.shortMessage,
  ];
  for (const [tag, value] of pdu.tlvs) {
    const header = Buffer.allocUnsafe(4);
    header.writeUInt16BE(tag, 0);
    header.writeUInt16BE(value.length, 2);
    parts.push(header, value);
  }
  return Buffer.concat(parts);
}
