import { ApiError } from "../../lib/errors.ts";
import { type Call, listOf, objectOf, type Schema, text, textOrNull } from "./route.ts";

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 1000;

export const pageQuery = {
  PageSize: { type: "integer", minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE },
  PageToken: { ...text, description: "The next_token of the page before." },
} as const;

/** The place after the last item of the page before: its key, whose texts are all there is. */
export type PageRequest = { readonly limit: number; readonly after: readonly string[] | undefined };

/** Throws 21481 for a token that is not one of ours with so many texts. */
export function readPage(call: Call, keyLength: number): PageRequest {
  const limit = Number(call.query.PageSize ?? PAGE_SIZE);
  const token = call.query.PageToken;
  if (token === undefined || token === "") return { limit, after: undefined };
  const after = parseToken(String(token));
  if (after?.length === keyLength) return { limit, after };
  throw new ApiError(
    400,
    21481,
    "The PageToken is not valid. Take it unchanged from next_token of the page before.",
  );
}

/** A page of items in the shape of Twilio's lists. A full page leads on to one that may be empty. */
export function pageOf<Item>(
  key: string,
  items: readonly Item[],
  { limit }: PageRequest,
  keyOf: (item: Item) => readonly string[],
) {
  const last = items.length === limit ? items.at(-1) : undefined;
  return {
    meta: {
      key,
      page_size: limit,
      next_token: last === undefined ? null : formatToken(keyOf(last)),
    },
  };
}

export function pageSchema(key: string, item: Schema): Schema {
  const meta = objectOf({ key: text, page_size: { type: "integer" }, next_token: textOrNull });
  return objectOf({ [key]: listOf(item), meta });
}

function formatToken(texts: readonly string[]): string {
  return Buffer.from(JSON.stringify(texts)).toString("base64url");
}

function parseToken(token: string): string[] | undefined {
  try {
    const texts: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    const isKey = Array.isArray(texts) && texts.every((item) => isCleanKey(item));
    return isKey ? texts : undefined;
  } catch {
    return undefined;
  }
}

// PostgreSQL has no text with NUL in it.
function isCleanKey(item: unknown): boolean {
  return typeof item === "string" && !item.includes("\0");
}
