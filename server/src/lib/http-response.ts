/** What one chunk made of an answer. `more`: the rest is still to come. */
export type Reading = "more" | "complete" | "too long" | "malformed";

/** Reads one answer of HTTP/1.0 or 1.1 (RFC 9112) after the other from the chunks of their connection. */
export type ResponseReader = {
  /** Keeps nothing of the chunk itself: its bytes may be written over afterwards. */
  readonly add: (chunk: Buffer) => Reading;
  /** The connection ended: that is the end of an answer without a length. */
  readonly end: () => Reading;
  readonly status: () => number;
  /** By lower-case name; values of the same name are joined with a comma. */
  readonly headers: () => ResponseHeaders;
  readonly body: () => string;
  /** The connection can carry another request: nothing more of this answer will come on it. */
  readonly isKept: () => boolean;
  /** Of the answer: the next chunk begins another. */
  readonly forget: () => void;
};

export type ResponseHeaders = Readonly<Record<string, string | undefined>>;

const HEAD_BYTES_MAX = 16 * 1024;
/** Of one line that tells a chunk's size, and of a trailer: nobody needs more. */
const LINE_BYTES_MAX = 1_024;
const TRAILERS_MAX = 100;
const NO_BYTES: Buffer = Buffer.alloc(0);

type Head = {
  /** With the blank line that ends it. */
  readonly bytes: Buffer;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly end: BodyEnd | undefined;
  readonly keepsConnection: boolean;
};

/** A body longer than `bodyBytesMax` is read so far and is `too long`. */
export function createResponseReader(bodyBytesMax: number): ResponseReader {
  let pending = NO_BYTES;
  let head: Head | undefined;
  let framing: Framing | undefined;
  let body: Body | undefined;
  let lastHead: Head | undefined;

  const add = (chunk: Buffer): Reading => {
    if (framing !== undefined) return framing.add(chunk);
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    // Most often it is the same head again: servers tell the time by the second.
    if (lastHead === undefined || !beginsWith(bytes, lastHead.bytes)) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end === -1 || end > HEAD_BYTES_MAX) {
        pending = bytes === chunk ? Buffer.from(chunk) : bytes;
        return bytes.length > HEAD_BYTES_MAX ? "malformed" : "more";
      }
      lastHead = readHead(Buffer.from(bytes.subarray(0, end + 4)));
    }
    head = lastHead;
    if (head === undefined) return "malformed";
    const { length } = head.bytes;
    const rest = length === bytes.length ? NO_BYTES : bytes.subarray(length);
    pending = NO_BYTES;
    // 1xx: the answer itself follows. 101 would leave HTTP, which nobody asked for.
    if (head.status < 200) return head.status === 101 ? "malformed" : add(rest);
    if (head.end === undefined) return "malformed";
    if (head.end === 0 && rest.length === 0) {
      framing = bodiless;
      return "complete";
    }
    body = createBody(bodyBytesMax);
    framing = framingOf(head.end, body);
    return framing.add(rest);
  };

  return {
    add,
    end: () => framing?.end() ?? "malformed",
    status: () => head?.status ?? 0,
    headers: () => head?.headers ?? {},
    body: () => body?.text() ?? "",
    isKept: () => head?.keepsConnection === true && framing?.isExact() === true,
    forget: () => {
      pending = NO_BYTES;
      head = framing = body = undefined;
    },
  };
}

function beginsWith(bytes: Buffer, start: Buffer): boolean {
  const { length } = start;
  return bytes.length >= length && bytes.compare(start, 0, length, 0, length) === 0;
}

function readHead(bytes: Buffer): Head | undefined {
  const text = bytes.toString("latin1", 0, bytes.length - 4);
  const first = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?(?:\r\n|$)/.exec(text);
  if (first === null) return undefined;
  const headers = Object.create(null) as Record<string, string | undefined>;
  let start = first[0].length;
  while (start < text.length) {
    const lineEnd = text.indexOf("\r\n", start);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(":", start);
    if (colon <= start || colon > end) return undefined;
    const name = text.slice(start, colon).toLowerCase();
    const value = text.slice(colon + 1, end).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
    start = end + 2;
  }
  const status = Number(first[2]);
  const keepsConnection = wantsMore(Number(first[1]), headers.connection?.toLowerCase());
  return { bytes, status, headers, end: bodyEndOf(status, headers), keepsConnection };
}

function wantsMore(version: number, connection: string | undefined): boolean {
  return version === 1 ? !connection?.includes("close") : connection === "keep-alive";
}

/** How the end of a body is told (RFC 9112 section 6.3): by its length, by the last chunk, by the connection's end. */
type BodyEnd = number | "chunked" | "close";

function bodyEndOf(status: number, headers: ResponseHeaders): BodyEnd | undefined {
  if (status === 204 || status === 304) return 0;
  const encoding = headers["transfer-encoding"]?.toLowerCase();
  if (encoding !== undefined) return encoding === "chunked" ? encoding : undefined;
  const length = headers["content-length"];
  if (length === undefined) return "close";
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

type Framing = {
  readonly add: (chunk: Buffer) => Reading;
  readonly end: () => Reading;
  /** It ended where it said, and nothing came behind it. */
  readonly isExact: () => boolean;
};

function framingOf(end: BodyEnd, body: Body): Framing {
  if (end === "close") return untilClose(body);
  return end === "chunked" ? chunked(body) : counted(end, body);
}

/** Of an answer that ended with its head. */
const bodiless: Framing = {
  add: () => "complete",
  end: () => "malformed",
  isExact: () => true,
};

function counted(length: number, body: Body): Framing {
  let left = length;
  let isExact = false;
  return {
    add: (chunk) => {
      isExact = chunk.length === left;
      const fits = body.add(chunk.length > left ? chunk.subarray(0, left) : chunk);
      left = Math.max(0, left - chunk.length);
      if (!fits) return "too long";
      return left === 0 ? "complete" : "more";
    },
    end: () => "malformed",
    isExact: () => isExact,
  };
}

function untilClose(body: Body): Framing {
  return {
    add: (chunk) => (body.add(chunk) ? "more" : "too long"),
    end: () => "complete",
    isExact: () => false,
  };
}

/** RFC 9112 section 7.1. */
function chunked(body: Body): Framing {
  let phase: "size" | "data" | "after data" | "trailers" = "size";
  let line = "";
  let left = 0;
  let trailers = 0;
  let isExact = false;

  /** What a whole line means; nothing: go on. */
  const takeLine = (): Reading | undefined => {
    const text = line;
    line = "";
    if (phase === "after data") {
      phase = "size";
      return text === "" ? undefined : "malformed";
    }
    if (phase === "trailers") {
      trailers += 1;
      if (text === "") return "complete";
      return trailers > TRAILERS_MAX ? "malformed" : undefined;
    }
    const size = /^([0-9a-f]{1,8})[\t ]*(?:;|$)/i.exec(text)?.[1];
    if (size === undefined) return "malformed";
    left = Number.parseInt(size, 16);
    phase = left === 0 ? "trailers" : "data";
    return undefined;
  };

  return {
    add: (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (phase === "data") {
          const data = chunk.subarray(at, at + left);
          if (!body.add(data)) return "too long";
          at += data.length;
          left -= data.length;
          if (left === 0) phase = "after data";
          continue;
        }
        const end = chunk.indexOf(10, at);
        line += chunk.toString("latin1", at, end === -1 ? chunk.length : end);
        if (line.length > LINE_BYTES_MAX) return "malformed";
        if (end === -1) return "more";
        at = end + 1;
        line = line.endsWith("\r") ? line.slice(0, -1) : line;
        const result = takeLine();
        if (result === undefined) continue;
        isExact = at === chunk.length;
        return result;
      }
      return "more";
    },
    end: () => "malformed",
    isExact: () => isExact,
  };
}

type Body = { readonly add: (chunk: Buffer) => boolean; readonly text: () => string };

function createBody(bytesMax: number): Body {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    /** False when it does not fit; what fits is kept. */
    add: (chunk) => {
      const room = bytesMax - bytes;
      if (chunk.length > 0) chunks.push(Buffer.from(chunk.subarray(0, room)));
      bytes += chunk.length;
      return chunk.length <= room;
    },
    text: () => {
      const [first] = chunks;
      if (first === undefined) return "";
      return (chunks.length === 1 ? first : Buffer.concat(chunks)).toString("utf8");
    },
  };
}
