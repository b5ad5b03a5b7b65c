export type LoggedSubmission = {
  /** 1 for the first since the start. */
  readonly sequence: number;
  /** On the simulator's own monotonic clock, with fractions. */
  readonly atMs: number;
  readonly bind: number;
  readonly from: string;
  readonly to: string;
  /** In decimal, whatever the answer wrote. */
  readonly id: string;
  /** Of a text in several parts; 0, 1, 1 for one that is whole. */
  readonly reference: number;
  readonly part: number;
  readonly parts: number;
};

export type SubmissionLog = {
  readonly add: (submission: Omit<LoggedSubmission, "sequence" | "id"> & { id: number }) => void;
  /** What came after a sequence number, oldest first. */
  readonly after: (sequence: number, limit: number) => readonly LoggedSubmission[];
};

const RECORD_BYTES = 80;
const ADDRESS_BYTES = 21;
const FROM_AT = 36;
const TO_AT = FROM_AT + 1 + ADDRESS_BYTES;
const CHUNK_RECORDS = 10_000;
const CHUNKS_MAX = 100;

/**
 * The last million accepted submissions as records of fixed length, outside the garbage collector's
 * reach: at 20,000 a second objects would cost more than the answers.
 */
export function createSubmissionLog(): SubmissionLog {
  const chunks: Buffer[] = [];
  let forgotten = 0;
  let count = 0;

  const read = (sequence: number): LoggedSubmission => {
    const index = sequence - 1 - forgotten;
    const chunk = chunks[Math.floor(index / CHUNK_RECORDS)] ?? Buffer.alloc(0);
    const at = (index % CHUNK_RECORDS) * RECORD_BYTES;
    return {
      sequence,
      ...{ atMs: chunk.readDoubleLE(at), id: String(chunk.readDoubleLE(at + 8)) },
      ...{ bind: chunk.readDoubleLE(at + 16), reference: chunk.readInt32LE(at + 24) },
      ...{ part: chunk.readInt32LE(at + 28), parts: chunk.readInt32LE(at + 32) },
      ...{ from: readAddress(chunk, at + FROM_AT), to: readAddress(chunk, at + TO_AT) },
    };
  };

  return {
    add: (submission) => {
      const index = count - forgotten;
      if (index % CHUNK_RECORDS === 0) {
        // The oldest chunk is used again.
        const isFull = chunks.length === CHUNKS_MAX;
        const spare = isFull ? chunks.shift() : undefined;
        if (isFull) forgotten += CHUNK_RECORDS;
        chunks.push(spare ?? Buffer.allocUnsafeSlow(CHUNK_RECORDS * RECORD_BYTES));
      }
      count += 1;
      const chunk = chunks[chunks.length - 1] as Buffer;
      const at = (index % CHUNK_RECORDS) * RECORD_BYTES;
      chunk.writeDoubleLE(submission.atMs, at);
      chunk.writeDoubleLE(submission.id, at + 8);
      chunk.writeDoubleLE(submission.bind, at + 16);
      chunk.writeInt32LE(submission.reference, at + 24);
      chunk.writeInt32LE(submission.part, at + 28);
      chunk.writeInt32LE(submission.parts, at + 32);
      writeAddress(chunk, at + FROM_AT, submission.from);
      writeAddress(chunk, at + TO_AT, submission.to);
    },
    after: (sequence, limit) => {
      const first = Math.max(sequence, forgotten) + 1;
      const length = Math.max(0, Math.min(limit, count + 1 - first));
      return Array.from({ length }, (_none, offset) => read(first + offset));
    },
  };
}

/** Its length, then as many bytes. */
function writeAddress(chunk: Buffer, at: number, address: string): void {
  chunk[at] = chunk.write(address, at + 1, ADDRESS_BYTES, "latin1");
}

function readAddress(chunk: Buffer, at: number): string {
  const start = at + 1;
  return chunk.toString("latin1", start, start + (chunk[at] ?? 0));
}
