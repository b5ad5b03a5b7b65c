import { twilioRoutes } from "../../src/api/routes.ts";

export type FuzzRequest = { readonly path: string; readonly init: RequestInit };
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;
type Operation = { readonly parameters?: readonly { readonly name: string }[] };
export type FuzzSubject = {
  readonly sid: string;
  readonly token: string;
  /** Of our own API's OpenAPI document. */
  readonly paths: Paths;
};

/** Numerical Recipes' generator: the same requests at every run. */
function createRandom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const values = [
  ...["", "0", "-1", "1e9", "999999999999999999999", "true", "canceled", "otp", "*", "%", "\0"],
  ...["\ud83d", "é", "+14155552671", "+15005550100", "55501", "whatsapp:+1", "2026-13-45"],
  ...["0000-00-00", "2026-11-24", "9999-12-31", "+275760-01-01", "https://a_b.example/"],
  ...["http://[::1]/x", "'; --", "PA", "PASM00000000000000000000000000000000", "PA+1"],
  ...["__proto__", "x".repeat(1_700), `SM${"0".repeat(32)}`, `MG${"f".repeat(32)}`, "US", "202"],
  ...["1,2", "{}", "\r\nX: y", "suspended", "../..", "simulator"],
];
const cleanValues = values.filter((value) => !/\p{Surrogate}/u.test(value));
const types = ["application/x-www-form-urlencoded", "application/json", "text/csv", "text/plain"];
const oddTypes = [...types, "x", "application/json; charset=utf-16", "multipart/form-data"];
const brokenBodies = [
  ...["%", "a=%zz&b", "&&==&", "Body=%ff%fe&To=%00", "{", '{"__proto__":1}', "null", "[]"],
  ...["\ufeff", "a&".repeat(2_000), `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
  ...[
    `{"messages":[{"To":${"[".repeat(9_000)}${"]".repeat(9_000)}}]}`,
    'a,"b\n',
    "x".repeat(140_000),
  ],
];
const badBytes = new Uint8Array([0x54, 0x6f, 0x3d, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80]);
const oddHeaders: Record<string, string>[] = [
  { "x-longwave-priority": "9" },
  { "x-twilio-host": "messaging.twilio.com" },
  { "x-forwarded-for": "::::, 1.2.3.4" },
  { "idempotency-key": "k".repeat(300) },
  { "x-large": "y".repeat(9_000) },
  { authorization: "Basic \u00ff\u00fe" },
  { authorization: `Bearer ${"z".repeat(500)}` },
  { "accept-encoding": "br;q=x" },
];

/** A stream of requests near those that the API takes: its paths and names, with foreign values. */
export function createFuzz(subject: FuzzSubject, seed: number): () => FuzzRequest {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const once = (times: number) => random(times) === 0;
  const fill = (path: string) =>
    path.replace(/[:{](\w+)\}?/g, (_whole, name) =>
      name === "account" && !once(10) ? subject.sid : encodeURIComponent(pick(cleanValues)),
    );
  const pairsOf = (names: readonly string[]) => {
    const known = [...names, "__proto__", "constructor"];
    const length = random(6);
    const pairs = Array.from({ length }, (): [string, string] => [pick(known), pick(values)]);
    return new URLSearchParams(pairs).toString();
  };
  const headersOf = () => ({
    ...(once(20)
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${subject.sid}:${subject.token}`).toString("base64")}`,
        }),
    ...(once(15) ? { "idempotency-key": `k${random(5)}` } : {}),
    ...(once(8) ? pick(oddHeaders) : {}),
  });
  const methodOf = (method: string) =>
    once(15) ? pick(["PUT", "PATCH", "HEAD", "OPTIONS", "DELETE", "GET", "POST"]) : method;

  const request = (method: string, path: string, query: string, body: () => string) => {
    const hasBody = !["GET", "HEAD", "DELETE", "OPTIONS"].includes(method);
    const init = { method, headers: headersOf() as Record<string, string> };
    if (!hasBody) return { path: `${path}?${query}`, init };
    const isForm = !path.startsWith("/longwave");
    init.headers["content-type"] = once(10) ? pick(oddTypes) : (types[isForm ? 0 : 1] ?? "");
    return {
      path,
      init: { ...init, body: once(25) ? badBytes : once(12) ? pick(brokenBodies) : body() },
    };
  };
  const ofTwilio = () => {
    const route = pick(twilioRoutes);
    const tail = pick([".json", "", "/", ".json/", ...(once(30) ? ["%", ".xml"] : [])]);
    const pairs = pairsOf(Object.keys(route.parameters));
    const prefix = once(15) ? "/_/api" : "";
    return request(methodOf(route.method), prefix + fill(route.path) + tail, pairs, () => pairs);
  };
  const ofOurs = () => {
    const [path, operations] = pick(Object.entries(subject.paths));
    const [method, operation] = pick(Object.entries(operations));
    const names = (operation.parameters ?? []).map(({ name }) => name);
    const names2 = [
      "To",
      "From",
      "Body",
      "Priority",
      "sender",
      "recipient",
      "number",
      "name",
      "kind",
    ];
    const thing = () =>
      Object.fromEntries(names2.map((name) => [name, pick([...values, 1, null, []])]));
    const json = () =>
      JSON.stringify(
        pick([thing(), { messages: [thing(), thing()] }, { numbers: [thing()] }, [], 7]),
      );
    return request(
      methodOf(method.toUpperCase()),
      `/longwave/v1${fill(path)}`,
      pairsOf(names),
      json,
    );
  };
  return () => (once(4) ? ofOurs() : ofTwilio());
}
