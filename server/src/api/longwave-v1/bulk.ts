import type { Account } from "../../accounts/account.ts";
import { ApiError, invalidParameter } from "../../lib/errors.ts";
import { idAfter } from "../../lib/message-id.ts";
import type { MessageSids } from "../../lib/sid.ts";
import type { Accepted } from "../../messages/accept.ts";
import type { NewMessage } from "../../messages/decide-message.ts";
import type { FormValues } from "../form.ts";
import type { MessagesApi } from "../needs.ts";
import { type Call, listOf, objectOf, type Route, type Schema, text } from "./route.ts";

export type BulkNeeds = {
  readonly messageSids: MessageSids;
  /** Reads the parameters of one message as `POST Messages` does; throws `ApiError`. */
  readonly readNewMessage: (account: Account, parameters: FormValues) => NewMessage;
  /** One result for each, in order; resolves when the accepted ones are durable. */
  readonly acceptBulk: (
    messages: readonly NewMessage[],
  ) => Promise<readonly (Accepted | ApiError)[]>;
  readonly messages: Pick<MessagesApi, "findReserved">;
};

export const BULK_LENGTH_MAX = 10_000;
/** Messages read or told between two turns of the event loop: at most two milliseconds of work. */
const SLICE_LENGTH = 100;
/** Read, accepted and told before the next are: what lives longer, each of the collector's pauses copies. */
const PART_LENGTH = 1_000;

export function bulkRoutes(app: BulkNeeds): Route[] {
  return [
    {
      method: "POST",
      path: "/Messages/Bulk",
      id: "CreateMessagesBulk",
      summary: "Sending many messages",
      messagesOnce: (body) => messagesOf(body).length,
      body: { type: "json", schema: requestSchema },
      answer: { status: 200, schema: answerSchema, isText: true },
      handle: (call) => createBulk(app, call),
    },
  ];
}

/** Its answer is written part by part: as objects it would be as large as the request once more. */
async function createBulk(app: BulkNeeds, { account, body, reserved }: Call): Promise<string> {
  const asked = messagesOf(body);
  const key = reserved?.isAgain && { account: account.id, first: reserved.id, count: asked.length };
  const stored = key ? await app.messages.findReserved(key) : new Map<number, Accepted>();
  const told: string[] = [];
  let refused = 0;
  for (let start = 0; start < asked.length; start += PART_LENGTH) {
    const part = asked.slice(start, start + PART_LENGTH);
    const results = await createPart(app, { account, reserved, stored }, { part, start });
    refused += results.filter((result) => "code" in result).length;
    told.push(JSON.stringify(results).slice(1, -1)); // without its brackets
  }
  const accepted = asked.length - refused;
  return `{"accepted":${accepted},"refused":${refused},"messages":[${told.join(",")}]}`;
}

type Result = ReturnType<typeof describe>;

/** The messages of a bulk from `start` on, in order. */
async function createPart(
  app: BulkNeeds,
  bulk: Pick<Call, "account" | "reserved"> & { readonly stored: ReadonlyMap<number, Accepted> },
  { part, start }: { readonly part: readonly unknown[]; readonly start: number },
): Promise<Result[]> {
  const { account, reserved, stored } = bulk;
  const read = (await readAll(app, account, part)).map((item, place) =>
    item instanceof ApiError || reserved === undefined
      ? item
      : { ...item, id: idAfter(reserved.id, { index: start + place, shard: 0 }) },
  );
  const good = read.filter(
    (item, place): item is NewMessage => !(item instanceof ApiError || stored.has(start + place)),
  );
  const accepted = (await app.acceptBulk(good)).values();
  const results: Result[] = [];
  for (const [place, item] of read.entries()) {
    if (place % SLICE_LENGTH === 0) await turn();
    const known = stored.get(start + place);
    const result = known ?? (item instanceof ApiError ? item : accepted.next().value);
    if (result === undefined) throw new Error("A message was given without a result.");
    results.push(describe(app, start + place, result));
  }
  return results;
}

/** Lets others have their turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function messagesOf(body: unknown): readonly unknown[] {
  return (body as { messages: unknown[] }).messages; // by the schema
}

async function readAll(
  app: BulkNeeds,
  account: Account,
  messages: readonly unknown[],
): Promise<(NewMessage | ApiError)[]> {
  const read: (NewMessage | ApiError)[] = [];
  for (const [index, parameters] of messages.entries()) {
    if (index > 0 && index % SLICE_LENGTH === 0) await turn();
    read.push(readOne(app, account, parameters));
  }
  return read;
}

function readOne(app: BulkNeeds, account: Account, parameters: unknown): NewMessage | ApiError {
  try {
    return app.readNewMessage(account, formOf(parameters));
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** As a form would hold it: texts, and lists of texts. */
function formOf(parameters: unknown): FormValues {
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    throw invalidParameter("messages", "each must be an object with To, From and Body.");
  }
  const form = new Map<string, readonly string[]>();
  for (const name of Object.keys(parameters)) {
    const value = parameters[name as keyof typeof parameters] as unknown;
    if (value !== null) form.set(name, formValues(name, value));
  }
  return form;
}

function formValues(name: string, value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number" || typeof value === "boolean") return [String(value)];
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (isList) return value;
  throw invalidParameter(name, "it must be a text, a number, true, false or a list of texts.");
}

function describe(app: Pick<BulkNeeds, "messageSids">, index: number, result: Accepted | ApiError) {
  if (result instanceof ApiError) {
    return { index, code: result.code, message: result.message, status: result.status };
  }
  return { index, sid: app.messageSids.sidOf(result.id), status: result.status };
}

const messageSchema: Schema = {
  description: `Takes the parameters of Twilio's Messages resource by their names, such as To, From,
Body, StatusCallback, ValidityPeriod (seconds), SmartEncoded, and Priority: 0 leaves first, 3 last.`,
  examples: [{ To: "+12025550123", From: "+15005550006", Body: "Your table is ready." }],
};

const requestSchema: Schema = objectOf({
  messages: { ...listOf(messageSchema), minItems: 1, maxItems: BULK_LENGTH_MAX },
});

const index = { type: "integer", minimum: 0 };
const answerSchema: Schema = objectOf({
  accepted: { type: "integer" },
  refused: { type: "integer" },
  messages: listOf({
    oneOf: [
      objectOf({ index, sid: text, status: text }),
      objectOf({
        index,
        code: { type: "integer", description: "Twilio's error code." },
        message: text,
        status: { type: "integer", description: "The HTTP status that it would have had alone." },
      }),
    ],
  }),
});
