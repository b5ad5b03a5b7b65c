import { utcDayAt } from "./clock.ts";

/**
 * A message's id: 63 bits, 41 of milliseconds since 2024, 8 of shard, 6 of writer slot, 8 of
 * sequence. Ids of one writer rise even when the clock steps back.
 */
export type MessageId = bigint;

export const SHARD_COUNT = 256;
export const WRITER_SLOT_COUNT = 64;

const EPOCH_MS = Date.UTC(2024, 0, 1);
export const SEQUENCE_COUNT = 256;
/** Where an id has its writer's slot. */
export const SLOT_BITS = 0x3f00;

/** Gives an id, or the first of `count` ids in a row, whose others `idAfter` tells. */
export type IdWriter = (shard: number, count?: number) => MessageId;

/** Makes ids for one writer slot, which no other process may use at the same time. */
export function createIdWriter(slot: number, now: () => number): IdWriter {
  let lastMs = 0;
  let sequence = 0;
  return (shard, count = 1) => {
    const ms = now() - EPOCH_MS;
    if (ms > lastMs) {
      lastMs = ms;
      sequence = 0;
    } else {
      sequence += 1;
      if (sequence === SEQUENCE_COUNT) {
        lastMs += 1;
        sequence = 0;
      }
    }
    const low = ((shard & 0xff) << 14) | ((slot & 0x3f) << 8) | sequence;
    const first = (BigInt(lastMs) << 22n) | BigInt(low);
    sequence += count - 1;
    lastMs += Math.floor(sequence / SEQUENCE_COUNT);
    sequence %= SEQUENCE_COUNT;
    return first;
  };
}

/** An id of a row of reserved ones, in the shard that it turns out to belong to. */
export function idAfter(first: MessageId, at: { index: number; shard: number }): MessageId {
  const sequence = Number(first & 0xffn) + at.index;
  const ms = (first >> 22n) + BigInt(Math.floor(sequence / SEQUENCE_COUNT));
  const slot = first & 0x3f00n;
  return (ms << 22n) | BigInt((at.shard & 0xff) << 14) | slot | BigInt(sequence % SEQUENCE_COUNT);
}

/** Which of a row of reserved ids this is, in whatever shard; below 0 or past the last: none of them. */
export function placeAfter(first: MessageId, id: MessageId): number {
  if ((first & BigInt(SLOT_BITS)) !== (id & BigInt(SLOT_BITS))) return -1;
  const ms = Number((id >> 22n) - (first >> 22n));
  return ms * SEQUENCE_COUNT + Number(id & 0xffn) - Number(first & 0xffn);
}

export function shardOf(id: MessageId): number {
  return Number((id >> 14n) & 0xffn);
}

/** Where an id has its milliseconds. They spread messages evenly, also those of one pool. */
export const SPREAD_BITS = 22;

/** One of `count`, a power of two. */
export function spreadOf(id: MessageId, count: number): number {
  return Number((id >> BigInt(SPREAD_BITS)) & BigInt(count - 1));
}

/** When the id was made, to the millisecond. */
export function createdAt(id: MessageId): Date {
  return new Date(Number(id >> 22n) + EPOCH_MS);
}

/** The smallest id that could be made at an instant: the bound for a search by time. */
export function firstIdAt(at: Date): MessageId {
  return BigInt(Math.max(0, at.getTime() - EPOCH_MS)) << 22n;
}

/** The UTC day of the id, `2026-11-24`: the key of the message's partition. */
export function dayOf(id: MessageId): string {
  return utcDayAt(Number(id >> 22n) + EPOCH_MS);
}
