import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";

type Json = { readonly [key: string]: unknown };
type Operation = {
  readonly method: "get" | "post";
  readonly path: string;
  readonly status: number;
};

const folder = join(import.meta.dirname, "../../../../shared/contracts");

export type Contract = {
  /** What of an answer is not as Twilio's OpenAPI file says; nothing when it fits. */
  readonly faults: (operation: Operation, answer: unknown) => readonly string[];
  /** The same for one of the file's named shapes, where it has no operation for it. */
  readonly faultsOf: (shape: string, answer: unknown) => readonly string[];
  /** The names of the parameters that an operation takes, by query or form; none for a foreign path. */
  readonly parameters: (method: string, path: string) => readonly string[];
  /** Twilio's own examples of an answer. */
  readonly examples: (operation: Operation) => readonly unknown[];
};

/**
 * Twilio's published contract, made strict: every declared property must be there and no other,
 * because the file itself requires nothing. Undefined where the file is not at hand.
 */
export function readContract(product = "api_v2010"): Contract | undefined {
  const file = join(folder, `twilio_${product}.json`);
  if (!existsSync(file)) return undefined;
  const document: Json = JSON.parse(readFileSync(file, "utf8"));
  const ajv = new Ajv({ allErrors: true, strictTypes: false, formats });
  const compiled = new Map<string, ValidateFunction>();
  const contentOf = ({ method, path, status }: Operation): Json => {
    const found = at(document, ["paths", path, method, "responses", String(status)]);
    return at(found, ["content", "application/json"]);
  };
  const check = (name: string, schema: () => Json, answer: unknown) => {
    const validate = compiled.get(name) ?? ajv.compile(schema());
    compiled.set(name, validate);
    if (validate(answer)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
  return {
    faults: (operation, answer) => {
      const schema = () => makeStrict(at(contentOf(operation), ["schema"]), document);
      const name = JSON.stringify(operation);
      return check(name, () => asOnTheWire(operation, schema()), answer);
    },
    faultsOf: (shape, answer) => {
      const schema = () => makeStrict(at(document, ["components", "schemas", shape]), document);
      return check(shape, schema, answer);
    },
    parameters: (method, path) => {
      const operation = find(document, ["paths", path, method]) ?? {};
      const ofPath = find(document, ["paths", path, "parameters"]) ?? [];
      const form = ["requestBody", "content", "application/x-www-form-urlencoded", "schema"];
      const inQuery = [operation.parameters ?? [], ofPath]
        .flat()
        .filter((one) => (one as Json).in === "query")
        .map((one) => String((one as Json).name));
      return [...inQuery, ...Object.keys(find(operation, [...form, "properties"]) ?? {})];
    },
    examples: (operation) =>
      Object.values(at(contentOf(operation), ["examples"])).map((one) => (one as Json).value),
  };
}

/** Where Twilio's own examples show that its wire is not as its file: a list without pages, a price in words. */
function asOnTheWire({ path }: Operation, schema: Json): Json {
  if (path.includes("/Usage/Records")) {
    const price = ["usage_records", "items", "properties", "price"];
    const written = structuredClone(schema);
    Object.assign(at(written, ["properties", ...price]), { type: ["string", "null"] });
    return written;
  }
  if (!path.includes("/AvailablePhoneNumbers/{CountryCode}/")) return schema;
  return { ...schema, required: ["available_phone_numbers", "uri"] };
}

function find(json: Json, path: readonly string[]): Json | undefined {
  let found: unknown = json;
  for (const key of path) found = (found as Json | undefined)?.[key];
  return typeof found === "object" && found !== null ? (found as Json) : undefined;
}

function at(json: Json, path: readonly string[]): Json {
  const found = find(json, path);
  if (found !== undefined) return found;
  throw new Error(`The contract has no ${path.join(" ")}.`);
}

/** From OpenAPI 3.0 to JSON Schema: references resolved, `nullable` a type, prose left out. */
function makeStrict(schema: Json, document: Json): Json {
  if (typeof schema.$ref === "string") {
    return makeStrict(at(document, schema.$ref.slice(2).split("/")), document);
  }
  const { type, format, pattern, items, properties, nullable, additionalProperties } = schema;
  const choices = schema.enum as readonly unknown[] | undefined;
  return {
    ...(type === undefined ? {} : { type: nullable === true ? [type, "null"] : type }),
    ...(format === undefined ? {} : { format }),
    ...(typeof pattern === "string" ? { pattern: orUnset(pattern) } : {}),
    ...(choices === undefined ? {} : { enum: nullable === true ? [...choices, null] : choices }),
    ...(items === undefined ? {} : { items: makeStrict(items as Json, document) }),
    ...(properties === undefined ? {} : strictObject(properties as Json, document)),
    ...(properties === undefined && typeof additionalProperties === "object"
      ? { additionalProperties: makeStrict(additionalProperties as Json, document) }
      : {}),
  };
}

/** An application that is not set is an empty text in Twilio's examples, though its pattern has none. */
function orUnset(pattern: string): string {
  return pattern.startsWith("^AP") ? `^$|${pattern}` : pattern;
}

function strictObject(properties: Json, document: Json): Json {
  const strict = Object.entries(properties).map(([name, schema]) => [
    name,
    makeStrict(schema as Json, document),
  ]);
  return {
    properties: Object.fromEntries(strict),
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** The formats of Twilio's file; those of objects are checked by their properties. */
const formats = {
  "date-time-rfc-2822": /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000$/,
  "phone-number": /^(\+[1-9]\d{1,14}|\d{3,8})$/,
  "iso-country-code": /^[A-Z]{2}$/,
  // Small letters in the examples of usage.
  currency: /^([A-Z]{3}|[a-z]{3})$/,
  "http-method": /^(GET|POST)$/,
  // Relative for what is Twilio's, absolute for what is the customer's; empty where none is set.
  uri: /^($|\/[^/]|https?:\/\/)/,
  "date-time": /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/,
  date: /^\d{4}-\d{2}-\d{2}$/,
  "uri-map": true,
  "phone-number-capabilities": true,
} as const;
