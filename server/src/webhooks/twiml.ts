import { XMLParser, XMLValidator } from "fast-xml-parser";

/** What a TwiML document asks for; URLs are absolute. */
export type TwimlReply = {
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly statusCallback: string | undefined;
};

export type Twiml =
  | {
      readonly kind: "document";
      readonly replies: readonly TwimlReply[];
      readonly redirect: { readonly url: string; readonly method: "GET" | "POST" } | undefined;
      /** Twilio's codes for what was skipped: 14110 a verb, 14103 no body, 14105 a callback URL. */
      readonly warnings: readonly number[];
    }
  | { readonly kind: "invalid"; readonly errorCode: number };

type Node = Readonly<Record<string, unknown>>;

const MEDIA_PER_MESSAGE = 10;
const NESTING_MAX = 8;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  cdataPropName: "#cdata",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** Reads an answer to an inbound webhook: TwiML, or a plain text that is the reply. */
export function parseTwiml(answer: { contentType: string; body: string; url: string }): Twiml {
  const type = (answer.contentType.split(";")[0] ?? "").trim().toLowerCase();
  const body = answer.body.replace(/^\uFEFF/, "").trim();
  if (body === "") return document([]);
  if (type === "text/plain") return document([plainReply(body)]);
  if (!/^(text|application)\/(xml|html)$/.test(type)) return { kind: "invalid", errorCode: 12300 };
  // A document type could define entities; TwiML has none.
  if (/<!(DOCTYPE|ENTITY)/i.test(body) || XMLValidator.validate(body) !== true) {
    return { kind: "invalid", errorCode: 12100 };
  }
  const roots = elementsOf(parser.parse(body));
  const response = roots.find((node) => nameOf(node) === "Response");
  if (response === undefined || roots.length !== 1) return { kind: "invalid", errorCode: 12102 };
  if (isDeeperThan(response, NESTING_MAX)) return { kind: "invalid", errorCode: 12100 };
  return readResponse(elementsOf(response.Response), answer.url);
}

function readResponse(verbs: readonly Node[], base: string): Twiml {
  const replies: TwimlReply[] = [];
  const warnings: number[] = [];
  for (const verb of verbs) {
    const name = nameOf(verb);
    if (name === "Message" || name === "Sms") {
      const { reply, warning } = readMessage(verb[name], attributesOf(verb), base);
      if (reply !== undefined) replies.push(reply);
      if (warning !== undefined) warnings.push(warning);
    } else if (name === "Redirect") {
      const url = absolute(textOf(verb.Redirect).trim(), base);
      if (url === undefined) return { kind: "invalid", errorCode: 12100 };
      const method = attributesOf(verb).method?.toUpperCase() === "GET" ? "GET" : "POST";
      return { kind: "document", replies, redirect: { url, method }, warnings };
    } else warnings.push(14110);
  }
  return { kind: "document", replies, redirect: undefined, warnings };
}

function readMessage(
  content: unknown,
  attributes: Readonly<Record<string, string>>,
  base: string,
): { reply?: TwimlReply; warning?: number } {
  const nouns = elementsOf(content);
  const bodies = nouns.filter((node) => nameOf(node) === "Body").map((node) => textOf(node.Body));
  const media = nouns.filter((node) => nameOf(node) === "Media").map((node) => textOf(node.Media));
  const body = (bodies.length > 0 ? bodies.join("") : textOf(content)).trim();
  const mediaUrls = media
    .map((text) => absolute(text.trim(), base))
    .filter((url) => url !== undefined)
    .slice(0, MEDIA_PER_MESSAGE);
  if (body === "" && mediaUrls.length === 0) return { warning: 14103 };
  const callback = attributes.statusCallback ?? attributes.action;
  const statusCallback = callback === undefined ? undefined : absolute(callback, base);
  const { to, from } = attributes;
  const reply = { body, mediaUrls, to, from, statusCallback };
  return callback !== undefined && statusCallback === undefined
    ? { reply, warning: 14105 }
    : { reply };
}

function document(replies: readonly TwimlReply[]): Twiml {
  return { kind: "document", replies, redirect: undefined, warnings: [] };
}

function plainReply(body: string): TwimlReply {
  return { body, mediaUrls: [], to: undefined, from: undefined, statusCallback: undefined };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}

function nameOf(node: Node): string {
  return Object.keys(node).find((key) => key !== ":@") ?? "";
}

function elementsOf(content: unknown): Node[] {
  const nodes = Array.isArray(content) ? content.filter(isNode) : [];
  return nodes.filter((node) => !nameOf(node).startsWith("#"));
}

function textOf(content: unknown): string {
  const nodes = Array.isArray(content) ? content.filter(isNode) : [];
  return nodes
    .map((node) => {
      if (typeof node["#text"] === "string") return decoded(node["#text"]);
      return Array.isArray(node["#cdata"]) ? rawTextOf(node["#cdata"]) : "";
    })
    .join("");
}

function rawTextOf(nodes: readonly unknown[]): string {
  return nodes.map((node) => (isNode(node) ? String(node["#text"] ?? "") : "")).join("");
}

function attributesOf(node: Node): Readonly<Record<string, string>> {
  const attributes = node[":@"];
  if (!isNode(attributes)) return {};
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, decoded(String(value))]),
  );
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** The five entities of XML itself and character references; anything else stays as written. */
function decoded(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name] ?? whole;
    const isHex = name[1] === "x" || name[1] === "X";
    const code = isHex ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : whole;
  });
}

function isDeeperThan(node: Node, levels: number): boolean {
  if (levels === 0) return true;
  return elementsOf(node[nameOf(node)]).some((child) => isDeeperThan(child, levels - 1));
}

function absolute(url: string, base: string): string | undefined {
  if (url === "" || !URL.canParse(url, base)) return undefined;
  const parsed = new URL(url, base);
  return /^https?:$/.test(parsed.protocol) ? parsed.href : undefined;
}
