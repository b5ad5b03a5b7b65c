import { ApiError } from "../../lib/errors.ts";
import { isKnownName, namesIn } from "./template.ts";

/** A place in JSON (RFC 6901): `/data/to/0/status`; of a form, `/MessageSid`. */
export type Pointer = string;

/** Texts may hold names in braces, `{sender}`; see docs/add-a-carrier.md for each. */
export type Template = string;

/** A value that must be found, and be one of these. */
export type Condition = Readonly<Record<Pointer, readonly string[]>>;

export type Signature =
  | { readonly scheme: "twilio"; readonly key: Template }
  | {
      readonly scheme: "ed25519";
      readonly header: string;
      readonly timestampHeader: string;
      /** Base64 of the 32 bytes. */
      readonly key: Template;
    }
  | {
      readonly scheme: "hmac";
      readonly header: string;
      readonly algorithm: "sha1" | "sha256" | "sha512";
      readonly encoding: "hex" | "base64";
      readonly key: Template;
    }
  /** HS256 in `Authorization`, with the hash of the body in its claim `payload_hash`. */
  | { readonly scheme: "jwt"; readonly key: Template }
  /** A secret in the address, for a provider that signs nothing. */
  | { readonly scheme: "token"; readonly parameter: string; readonly key: Template };

/** How the parts of one provider's HTTP API stand for ours: a data file, no code. */
export type Definition = {
  readonly name: string;
  /** Where the provider describes what is written here. */
  readonly documentation: string;
  readonly baseUrl: string;
  readonly settings: Readonly<
    Record<string, { readonly description: string; readonly isOptional?: boolean }>
  >;
  readonly send: {
    readonly path: Template;
    readonly format: "json" | "form";
    readonly headers?: Readonly<Record<string, Template>>;
    readonly basic?: readonly [user: Template, password: Template];
    readonly body: Readonly<Record<string, unknown>>;
    /** What the provider takes as validity in seconds. */
    readonly validity?: { readonly min: number; readonly max: number };
  };
  readonly answer: {
    readonly accepted: readonly number[];
    readonly id: Pointer;
    /** Only then is it accepted. */
    readonly when?: Condition;
    readonly code: readonly Pointer[];
    readonly throttled: { readonly statuses: readonly number[]; readonly codes: readonly string[] };
    /** Statuses by which the provider says that it did not take the request. */
    readonly unavailable: readonly number[];
    /** Our credentials are at fault, not the text. */
    readonly credentials: readonly number[];
  };
  /** `same`: its codes are Twilio's. Else Twilio's by the provider's; any other is 30008. */
  readonly errors: "same" | Readonly<Record<string, number>>;
  readonly signature: Signature;
  readonly receipt: {
    /** The last part of the address that is called. */
    readonly at: string;
    readonly when?: Condition;
    readonly id: Pointer;
    readonly status: Pointer;
    readonly statuses: Readonly<Record<string, "sent" | "delivered" | "undelivered" | "failed">>;
    readonly code: readonly Pointer[];
    readonly doneDate?: Pointer;
    readonly price?: PricePlace;
  };
  readonly inbound: {
    readonly at: string;
    readonly when?: Condition;
    readonly id: Pointer;
    readonly sender: Pointer;
    readonly recipient: Pointer;
    readonly text: Pointer;
    /** `{n}` stands for the place of one of its media, from 0. */
    readonly media?: { readonly url: Pointer; readonly contentType?: Pointer };
  };
  /** Asked for after the last receipt, where receipts have no price. */
  readonly priceLookup?: { readonly path: Template; readonly price: PricePlace };
  /** Segments per second from one sender, by its kind and country: `long_code.US`, else `long_code`. */
  readonly senderLimits: SenderLimits;
  /** The provider answers STOP and HELP itself, unless the account says otherwise. */
  readonly answersOptOuts: boolean;
};

export type PricePlace = { readonly amount: Pointer; readonly currency: Pointer };
export type SenderLimits = Readonly<Record<string, number>>;

const required = {
  ...{ name: "string", documentation: "string", baseUrl: "string", settings: "object" },
  ...{ send: "object", answer: "object", signature: "object", receipt: "object" },
  inbound: "object",
} as const;

const empty = {
  code: [] as readonly Pointer[],
  throttled: { statuses: [429], codes: [] as readonly string[] },
  ...{ unavailable: [503], credentials: [401] },
};

/** A definition from a data file or from an operator; 20001 names what is wrong. */
export function parseDefinition(json: unknown): Definition {
  const given = asObject(json, "provider");
  for (const [name, type] of Object.entries(required)) {
    if (typeof given[name] !== type || given[name] === null) {
      throw invalidDefinition(`'${name}' is missing, or no ${type}.`);
    }
  }
  const answer = { ...empty, ...asObject(given.answer, "answer") };
  const definition = {
    ...{ errors: {}, senderLimits: {}, answersOptOuts: false },
    ...given,
    answer: { ...answer, throttled: { ...empty.throttled, ...answer.throttled } },
    receipt: { code: [], ...asObject(given.receipt, "receipt") },
  } as unknown as Definition;
  checkPlaces(definition);
  checkNames(definition);
  return definition;
}

/** Whether a text with pictures and other files can be sent by it. */
export function takesMedia({ send }: Definition): boolean {
  return namesIn(send.body).includes("media");
}

/** Every place that is read at run time is a pointer, so that a slip shows when it is given. */
function checkPlaces({ answer, receipt, inbound, signature }: Definition): void {
  const { when: answerWhen = {} } = answer;
  const places = {
    ...{ "answer.id": answer.id, "receipt.id": receipt.id, "receipt.status": receipt.status },
    ...{ "inbound.id": inbound.id, "inbound.sender": inbound.sender },
    ...{ "inbound.recipient": inbound.recipient, "inbound.text": inbound.text },
    ...(inbound.media === undefined ? {} : { "inbound.media.url": inbound.media.url }),
  };
  const lists = [...answer.code, ...receipt.code, ...Object.keys(answerWhen)];
  for (const [name, place] of [...Object.entries(places), ...lists.map((one) => ["code", one])]) {
    if (typeof place === "string" && place.startsWith("/")) continue;
    throw invalidDefinition(`'${name}' must be a JSON pointer such as /data/id.`);
  }
  const schemes = ["twilio", "ed25519", "hmac", "jwt", "token"];
  if (!schemes.includes(signature.scheme)) {
    throw invalidDefinition(`'signature.scheme' must be one of ${schemes.join(", ")}.`);
  }
  if (!Array.isArray(answer.accepted) || answer.accepted.length === 0) {
    throw invalidDefinition("'answer.accepted' must list the statuses of a text that was taken.");
  }
}

/** A name in braces that nothing fills would be sent as an empty text. */
function checkNames(definition: Definition): void {
  const { send, signature, priceLookup } = definition;
  // What a customer wrote must not get into a header.
  const inHeaders = namesIn([send.headers ?? {}, send.basic ?? []]);
  const foreign = inHeaders.find((name) => !name.startsWith("settings."));
  if (foreign !== undefined) throw invalidDefinition(`no header can hold {${foreign}}.`);
  for (const name of namesIn([send, signature, priceLookup ?? {}])) {
    if (isKnownName(name)) continue;
    const [group, setting = ""] = name.split(".");
    if (group === "settings" && Object.hasOwn(definition.settings, setting)) continue;
    throw invalidDefinition(`nothing fills {${name}}. List it under 'settings'.`);
  }
}

function asObject(json: unknown, name: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>;
  }
  throw invalidDefinition(`'${name}' must be an object.`);
}

function invalidDefinition(why: string): ApiError {
  return new ApiError(400, 20001, `The provider's definition is not valid: ${why}`);
}
