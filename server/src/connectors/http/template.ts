/** What the names in braces stand for in one request. */
export type Values = {
  readonly sender: string;
  /** Without the plus sign. */
  readonly senderDigits: string;
  readonly recipient: string;
  readonly recipientDigits: string;
  readonly text: string;
  /** Addresses of pictures and other files. */
  readonly media: readonly string[] | undefined;
  readonly validityS: number;
  /** The message's own number, for the provider's records. */
  readonly reference: string;
  /** The public address below which this connector is called. */
  readonly callbacks: string;
  /** The carrier's id, where a message is asked for. */
  readonly id: string;
  readonly settings: Readonly<Record<string, string>>;
};

const names = [
  ...["sender", "senderDigits", "recipient", "recipientDigits", "text", "media", "validityS"],
  ...["reference", "callbacks", "id"],
] as const satisfies readonly (keyof Values)[];

type Value = string | number | readonly string[] | undefined;

const anyName = /\{([A-Za-z]\w*(?:\.\w+)?)\}/g;
const nameAlone = /^\{([A-Za-z]\w*(?:\.\w+)?)\}$/;

export function isKnownName(name: string): boolean {
  return (names as readonly string[]).includes(name);
}

/** Every name in braces that a template's texts hold. */
export function namesIn(template: unknown): string[] {
  if (typeof template === "string")
    return [...template.matchAll(anyName)].map(([, name]) => name ?? "");
  if (typeof template !== "object" || template === null) return [];
  return Object.values(template).flatMap(namesIn);
}

/**
 * The template with its names replaced, nothing else. A text that is one name keeps its value's type;
 * a property whose setting was not given is left out, and so are media where a text has none.
 */
export function fill(template: unknown, values: Partial<Values>): unknown {
  if (typeof template === "string") return fillText(template, values);
  if (Array.isArray(template)) return template.map((one) => fill(one, values));
  if (typeof template !== "object" || template === null) return template;
  const filled = Object.entries(template).map(([name, one]) => [name, fill(one, values)] as const);
  return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
}

export function fillText(template: string, values: Partial<Values>): Value {
  const [, alone] = nameAlone.exec(template) ?? [];
  if (alone !== undefined) return valueNamed(alone, values);
  let isMissing = false;
  const filled = template.replaceAll(anyName, (_all, name: string) => {
    const value = valueNamed(name, values);
    if (value === undefined) isMissing = true;
    return String(value ?? "");
  });
  return isMissing ? undefined : filled;
}

/** A path, each value in it encoded. */
export function fillPath(template: string, values: Partial<Values>): string {
  return template.replaceAll(anyName, (_all, name: string) =>
    encodeURIComponent(String(valueNamed(name, values) ?? "")),
  );
}

function valueNamed(name: string, values: Partial<Values>): Value {
  if (!name.startsWith("settings.")) return values[name as Exclude<keyof Values, "settings">];
  return values.settings?.[name.slice("settings.".length)];
}
