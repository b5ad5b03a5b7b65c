import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StartError } from "../lib/errors.ts";
import { lockFolder } from "../lib/folder-lock.ts";
import type { Delivery } from "./delivery.ts";

type Entry = { readonly delivery: Delivery; readonly dueMs: number };

/** What the simulator must still know after a restart: what waits, and which ids were given. */
export type Journal = {
  /** What waited when the simulator stopped; told once. */
  readonly found: () => readonly Entry[];
  readonly add: (delivery: Delivery, dueMs: number) => void;
  readonly remove: (number: number) => void;
  /** Never the same again, also after a restart. */
  readonly nextId: () => number;
  readonly close: () => void;
};

/** Ids of one millisecond: no network here takes a million submissions a second for long. */
const IDS_PER_MS = 1_000;
/** The ids that one line reserves. */
const IDS_RESERVED = 1_000_000;
/** A file with more than this is written anew, with what still waits alone. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** A disk that was full is tried again so often; meanwhile what waits is in memory alone. */
const FULL_DISK_MS = 1_000;

/** Without a folder: nothing outlives the process, and ids come from the time of its start. */
export function createMemoryJournal(nowMs: number): Journal {
  let id = nowMs * IDS_PER_MS;
  return {
    found: () => [],
    add: () => undefined,
    remove: () => undefined,
    nextId: () => {
      id += 1;
      return id;
    },
    close: () => undefined,
  };
}

/**
 * A file to which lines are appended. They are written before the answers of the same turn of the
 * event loop leave, and outlive the process however it ends; a power cut may take the last seconds,
 * for nothing waits for the disk.
 */
export function openJournal(
  folder: string,
  nowMs: number,
  { fileBytesMax } = { fileBytesMax: FILE_BYTES_MAX },
): Journal {
  mkdirSync(folder, { recursive: true });
  const unlock = lockFolder(folder);
  const path = join(folder, "pending.journal");
  const read = readJournal(path);
  let found: readonly Entry[] = read.entries;
  const lines = new Map(found.map((entry) => [entry.delivery.number, lineOf(entry)]));
  let id = Math.max(nowMs * IDS_PER_MS, read.reservedId);
  let reservedId = id;
  let waiting = "";
  let isClosed = false;
  let writer = writeAnew(path, lines.values(), reservedId);
  let retry: NodeJS.Timeout | undefined;

  /** After a failed write the file may end in half a line, so the next is a whole file. */
  const rewrite = () => {
    retry = undefined;
    try {
      const fresh = writeAnew(path, lines.values(), reservedId);
      writer.close();
      writer = fresh;
    } catch {
      retry = setTimeout(rewrite, FULL_DISK_MS);
      retry.unref();
    }
  };

  const flush = () => {
    const text = waiting;
    waiting = "";
    if (text === "" || retry !== undefined) return;
    try {
      writer.append(text);
    } catch {
      rewrite();
      return;
    }
    if (writer.bytes() >= fileBytesMax + writer.firstBytes) rewrite();
  };

  const write = (line: string) => {
    if (isClosed) return;
    if (waiting === "") setImmediate(flush);
    waiting += line;
  };

  return {
    found: () => {
      const entries = found;
      found = [];
      return entries;
    },
    add: (delivery, dueMs) => {
      const line = lineOf({ delivery, dueMs });
      lines.set(delivery.number, line);
      write(line);
    },
    remove: (number) => {
      if (lines.delete(number)) write(`-${number}\n`);
    },
    nextId: () => {
      id += 1;
      if (id > reservedId) {
        reservedId = id + IDS_RESERVED;
        write(reservation(reservedId));
      }
      return id;
    },
    close: () => {
      flush();
      clearTimeout(retry);
      isClosed = true;
      writer.close();
      unlock();
    },
  };
}

function lineOf({ delivery, dueMs }: Entry): string {
  return `+${JSON.stringify({ dueMs, delivery })}\n`;
}

function reservation(id: number): string {
  return `=${id}\n`;
}

/** The file's lines in order; a last line without its end was never finished. */
function readJournal(path: string): { entries: Entry[]; reservedId: number } {
  const entries = new Map<number, Entry>();
  let reservedId = 0;
  const lines = readIfThere(path).split("\n").slice(0, -1);
  for (const line of lines) {
    const rest = line.slice(1);
    if (line.startsWith("-")) entries.delete(Number(rest));
    else if (line.startsWith("=")) reservedId = Number(rest);
    else if (line.startsWith("+")) {
      const entry = readEntry(rest, path);
      entries.set(entry.delivery.number, entry);
    }
  }
  return { entries: [...entries.values()], reservedId };
}

function readEntry(json: string, path: string): Entry {
  try {
    return JSON.parse(json) as Entry;
  } catch {
    throw new StartError(
      `The simulator's state in ${path} is damaged. Remove that file; receipts that waited in it are lost.`,
    );
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** Whole under another name first, so that a kill leaves the old file or the new one. */
function writeAnew(path: string, lines: Iterable<string>, reservedId: number) {
  const file = openSync(`${path}.new`, "w", 0o600);
  let bytes = 0;
  const append = (text: string) => {
    const buffer = Buffer.from(text, "utf8");
    for (let at = 0; at < buffer.length; ) at += writeSync(file, buffer, at);
    bytes += buffer.length;
  };
  try {
    append(reservation(reservedId));
    for (const line of lines) append(line);
    fsyncSync(file);
    renameSync(`${path}.new`, path);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return { append, firstBytes: bytes, bytes: () => bytes, close: () => closeSync(file) };
}
