import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, invalidParameter } from "../../lib/errors.ts";

/** 10,000 messages of some 800 bytes. */
const JSON_BYTES_MAX = 8 * 1024 * 1024;
/** Some three million opt-outs; read as it comes, so it costs no memory. */
const CSV_BYTES_MAX = 128 * 1024 * 1024;
/** Twice what any body of ours needs. */
const JSON_DEPTH_MAX = 16;
/** A millisecond's parsing. */
const LARGE_LENGTH = 128 * 1024;

/** JSON whole, CSV as it comes: both bounded. */
export function readBodies(server: FastifyInstance): void {
  server.removeContentTypeParser(["application/json", "text/csv"]);
  server.addContentTypeParser(
    "application/json",
    { parseAs: "string", bodyLimit: JSON_BYTES_MAX },
    (_request: FastifyRequest, text: string) => parseJson(text),
  );
  server.addContentTypeParser("text/csv", async (_request: FastifyRequest, body: Readable) =>
    Readable.from(bounded(body)),
  );
}

/** Own properties only: `__proto__` in JSON is such a one, and no reader looks at it. */
async function parseJson(text: string): Promise<unknown> {
  let value: unknown;
  try {
    value = text === "" ? undefined : JSON.parse(text);
  } catch (error) {
    throw invalidParameter(
      "body",
      `it is no JSON: ${error instanceof Error ? error.message : ""}.`,
    );
  }
  // Others have their turn: 10,000 messages take some six milliseconds to be parsed, and two to be walked through.
  if (text.length > LARGE_LENGTH) await new Promise((done) => setImmediate(done));
  if (!isDeeperThan(JSON_DEPTH_MAX, value)) return value;
  throw invalidParameter("body", `it is nested deeper than ${JSON_DEPTH_MAX} levels.`);
}

/** Goes no deeper than that: what recurses further, as writing JSON does, fails on a body made to be deep. */
function isDeeperThan(depthMax: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depthMax === 0) return Object.keys(value).length > 0;
  for (const key in value) {
    if (isDeeperThan(depthMax - 1, value[key as keyof typeof value])) return true;
  }
  return false;
}

async function* bounded(body: Readable): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > CSV_BYTES_MAX) {
        throw new ApiError(413, 20413, `The file is over ${CSV_BYTES_MAX} bytes. Split it.`);
      }
      yield chunk;
    }
  } finally {
    // What is refused is still on its way: a connection with bytes that nobody reads is no use to a
    // proxy, and cannot be closed when this process ends.
    body.resume();
  }
}
