import { HEADER_BYTES, PDU_BYTES_MAX } from "./decode-pdu.ts";
import { layouts } from "./layouts.ts";
import {
  type CommandName,
  commands,
  type Destination,
  noTlvs,
  type Pdu,
  type ShortMessage,
  type Tlvs,
  type Unsuccess,
} from "./pdus.ts";

const SLAB_BYTES = 65_536;
const OCTETS_MAX = 255;

/** PDUs of one tick, one after the other in one slab. `start` to `at` is not yet taken. */
export type Output = { slab: Buffer; start: number; at: number };

export function createOutput(): Output {
  return { slab: Buffer.alloc(0), start: 0, at: 0 };
}

/** The bytes since the last call. They stay as they are: new PDUs go behind them or elsewhere. */
export function takeBytes(output: Output): Buffer {
  const bytes = output.slab.subarray(output.start, output.at);
  output.start = output.at;
  return bytes;
}

/** The bytes of one PDU. */
export function encodePdu(pdu: Pdu): Buffer {
  const output = createOutput();
  appendPdu(output, pdu);
  return Buffer.from(takeBytes(output));
}

/**
 * Writes a PDU behind the others. A character that a field cannot hold (NUL, or beyond Latin-1) is
 * written as `?`. Throws a RangeError, and writes nothing, when a field or the PDU is too long.
 */
export function appendPdu(output: Output, pdu: Pdu): void {
  if (pdu.command === "submit_sm" || pdu.command === "deliver_sm") {
    appendMessage(output, pdu.command, pdu.sequence, pdu);
    return;
  }
  const layout = layouts[pdu.command];
  const fields = pdu as unknown as Record<string, never>;
  let length = HEADER_BYTES;
  for (const [name, kind] of layout) length += writers[kind].bytes(fields[name] as never);
  appendHeader(output, pdu.command, pdu.status, pdu.sequence, length);
  for (const [name, kind] of layout) writers[kind].write(output, fields[name] as never);
}

/** The fields from service_type to sm_default_msg_id that are one byte, with sm_length. */
const MESSAGE_BYTES = 12;
const MESSAGE_TEXTS = 5;

export function appendMessage(
  output: Output,
  command: "submit_sm" | "deliver_sm",
  sequence: number,
  message: ShortMessage,
): void {
  const { serviceType, source, dest, scheduleTime, validityPeriod, shortMessage } = message;
  const textBytes =
    serviceType.length + source.length + dest.length + scheduleTime.length + validityPeriod.length;
  const octetBytes = checkedCount(shortMessage.length) + tlvBytes(message.tlvs);
  const length = HEADER_BYTES + MESSAGE_BYTES + MESSAGE_TEXTS + textBytes + octetBytes;
  appendHeader(output, command, 0, sequence, length);
  writeText(output, serviceType);
  writeByte(output, message.sourceTon);
  writeByte(output, message.sourceNpi);
  writeText(output, source);
  writeByte(output, message.destTon);
  writeByte(output, message.destNpi);
  writeText(output, dest);
  writeByte(output, message.esmClass);
  writeByte(output, message.protocolId);
  writeByte(output, message.priority);
  writeText(output, scheduleTime);
  writeText(output, validityPeriod);
  writeByte(output, message.registeredDelivery);
  writeByte(output, message.replaceIfPresent);
  writeByte(output, message.dataCoding);
  writeByte(output, message.defaultMsgId);
  writeOctets(output, shortMessage);
  writeTlvs(output, message.tlvs);
}

function appendHeader(
  output: Output,
  command: CommandName,
  status: number,
  sequence: number,
  length: number,
): void {
  if (length > PDU_BYTES_MAX) throw new RangeError(`A PDU cannot have ${length} bytes.`);
  if (output.at + length > output.slab.length) moveToNewSlab(output, length);
  writeUint32(output, length);
  writeUint32(output, commands[command]);
  writeUint32(output, status);
  writeUint32(output, sequence);
}

/** What is not yet taken goes along; what is taken stays, because the socket may still read it. */
function moveToNewSlab(output: Output, length: number): void {
  const untaken = output.slab.subarray(output.start, output.at);
  const needed = (untaken.length + length) * 2;
  const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, needed));
  untaken.copy(slab);
  output.slab = slab;
  output.start = 0;
  output.at = untaken.length;
}

const writers = {
  text: { bytes: (text = "") => text.length + 1, write: writeText },
  byte: { bytes: () => 1, write: writeByte },
  octets: { bytes: (octets: Buffer) => 1 + checkedCount(octets.length), write: writeOctets },
  tlvs: { bytes: tlvBytes, write: writeTlvs },
  destinations: { bytes: destinationBytes, write: writeDestinations },
  unsuccesses: {
    bytes: (list: readonly Unsuccess[] = []) => {
      checkedCount(list.length);
      return list.reduce((sum, { address }) => sum + address.length + 7, 1);
    },
    write: (output: Output, list: readonly Unsuccess[] = []) => {
      writeByte(output, list.length);
      for (const { ton, npi, address, status } of list) {
        writeByte(output, ton);
        writeByte(output, npi);
        writeText(output, address);
        writeUint32(output, status);
      }
    },
  },
};

function destinationBytes(list: readonly Destination[]): number {
  checkedCount(list.length);
  return list.reduce(
    (sum, one) => sum + (one.kind === "list" ? one.name.length + 2 : one.address.length + 4),
    1,
  );
}

function writeDestinations(output: Output, list: readonly Destination[]): void {
  writeByte(output, list.length);
  for (const one of list) {
    if (one.kind === "list") {
      writeByte(output, 2);
      writeText(output, one.name);
      continue;
    }
    writeByte(output, 1);
    writeByte(output, one.ton);
    writeByte(output, one.npi);
    writeText(output, one.address);
  }
}

function checkedCount(count: number): number {
  if (count <= OCTETS_MAX) return count;
  throw new RangeError(
    `A field of at most ${OCTETS_MAX} cannot hold ${count}; use message_payload.`,
  );
}

function writeUint32(output: Output, value: number): void {
  const { slab, at } = output;
  slab[at] = value >>> 24;
  slab[at + 1] = value >>> 16;
  slab[at + 2] = value >>> 8;
  slab[at + 3] = value;
  output.at = at + 4;
}

function writeByte(output: Output, value = 0): void {
  output.slab[output.at] = value;
  output.at += 1;
}

const QUESTION_MARK = 0x3f;

/** Fields are short, so a loop is quicker than a call into Buffer, and no NUL can shift a field. */
function writeText(output: Output, text = ""): void {
  const { slab } = output;
  let { at } = output;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    slab[at] = code === 0 || code > 0xff ? QUESTION_MARK : code;
    at += 1;
  }
  slab[at] = 0;
  output.at = at + 1;
}

function writeOctets(output: Output, octets: Buffer): void {
  writeByte(output, octets.length);
  output.slab.set(octets, output.at);
  output.at += octets.length;
}

function tlvBytes(tlvs: Tlvs = noTlvs): number {
  if (tlvs.size === 0) return 0;
  let bytes = 0;
  for (const value of tlvs.values()) {
    if (value.length > 0xffff) throw new RangeError("A TLV's value is longer than 65,535 bytes.");
    bytes += 4 + value.length;
  }
  return bytes;
}

function writeTlvs(output: Output, tlvs: Tlvs = noTlvs): void {
  if (tlvs.size === 0) return;
  for (const [tag, value] of tlvs) {
    writeByte(output, tag >>> 8);
    writeByte(output, tag);
    writeByte(output, value.length >>> 8);
    writeByte(output, value.length);
    output.slab.set(value, output.at);
    output.at += value.length;
  }
}
