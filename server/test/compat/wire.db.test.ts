import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Asked, type StartedApp, startTestApp } from "./started-app.ts";

// Twilio's rules of the wire, in the raw: what no SDK sends, and what every SDK relies on.
const longCode = "+15005550100";
const phone = "+14155552671";
const text = { To: phone, From: longCode, Body: "Hello" };
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const call = (path: string, asked?: Asked) => started.call(path, asked);
const post = (form: NonNullable<Asked["form"]>, asked: Asked = {}) =>
  call(`${started.home}/Messages.json`, { form, ...asked });

/** Bytes to the socket, and all that comes back until the server closes. */
function exchange(bytes: string): Promise<string> {
  const { hostname, port } = new URL(started.app.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes, "latin1"));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

const noCredentials: [string, Record<string, string>][] = [
  ["no credentials", { authorization: "" }],
  ["a bearer token", { authorization: "Bearer abc" }],
  ["no colon", { authorization: `Basic ${btoa("AC")}` }],
  ["bytes that are no base64", { authorization: "Basic ~~~" }],
];
test.each(noCredentials)("%s is answered with 401 and how to sign in", async (_name, headers) => {
  const { status, headers: told, json } = await call(`${started.home}.json`, { headers });
  expect([status, json.code, json.status]).toEqual([401, 20003, 401]);
  expect(told.get("www-authenticate")).toContain("Basic");
  expect(json.more_info).toMatch(/\/docs\/errors\/20003$/);
});

test("a wrong token and another's account are refused alike", async () => {
  const { sid } = started.app.firstAccount;
  const wrong = await call(`${started.home}.json`, { as: { sid, token: "0".repeat(32) } });
  const other = await call(`/2010-04-01/Accounts/AC${"0".repeat(32)}.json`);
  expect([wrong.status, wrong.json.code]).toEqual([401, 20003]);
  expect([other.status, other.json.code]).toEqual([401, 20003]);
});

test("a main account's API key works on its subaccounts, a subaccount's only on itself", async () => {
  const branch = (await call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } })).json;
  const own = { sid: branch.sid, token: branch.auth_token };
  const home = `/2010-04-01/Accounts/${branch.sid}`;
  const mainKey = (await call(`${started.home}/Keys.json`, { form: {} })).json;
  const branchKey = (await call(`${home}/Keys.json`, { form: {}, as: own })).json;
  // Twilio's SDK for Go takes no other characters.
  expect(mainKey.secret).toMatch(/^[A-Za-z0-9]{32,}$/);
  const asKey = (key: { sid: string; secret: string }) => ({ sid: key.sid, token: key.secret });
  expect((await call(`${home}.json`, { as: asKey(mainKey) })).json.sid).toBe(branch.sid);
  expect((await call(`${home}.json`, { as: asKey(branchKey) })).status).toBe(200);
  expect((await call(`${started.home}.json`, { as: asKey(branchKey) })).status).toBe(401);
  const grandchild = await call("/2010-04-01/Accounts.json", { form: {}, as: own });
  expect([grandchild.status, grandchild.json.code]).toEqual([403, 20403]);
  const listed = await call("/2010-04-01/Accounts.json", { as: own });
  expect(listed.json.accounts.map((one: { sid: string }) => one.sid)).toEqual([branch.sid]);
});

test("a suspended subaccount can be read and woken by its parent, and do nothing", async () => {
  const branch = (await call("/2010-04-01/Accounts.json", { form: { FriendlyName: "S" } })).json;
  const own = { sid: branch.sid, token: branch.auth_token };
  const home = `/2010-04-01/Accounts/${branch.sid}`;
  await call(`${home}.json`, { form: { Status: "suspended" } });
  expect((await call(`${home}/Messages.json`)).status).toBe(200);
  const sent = await call(`${home}/Messages.json`, { form: text });
  expect([sent.status, sent.json.code]).toEqual([403, 20005]);
  expect((await call(`${home}.json`, { as: own })).json.code).toBe(20005);
  expect((await call(`${home}.json`, { form: { Status: "active" } })).json.status).toBe("active");
  expect((await call(`${home}.json`, { as: own })).status).toBe(200);
  expect((await call(`${home}.json`, { form: { Status: "asleep" } })).json.code).toBe(21475);
});

test("paths are served with and without .json, a slash at the end, and a product's prefix", async () => {
  const { sid } = (await post(text)).json;
  for (const path of [".json", "", "/", ".json/"]) {
    expect((await call(`${started.home}/Messages/${sid}${path}`)).json.sid).toBe(sid);
  }
  for (const prefix of ["/_/api", "/_/api/_/api"]) {
    expect((await call(`${prefix}${started.home}/Messages/${sid}.json`)).json.sid).toBe(sid);
  }
  expect((await call(`${started.home}/Messages/${sid}.xml`)).status).toBe(404);
});

test("what cannot be read as a form is refused before it changes anything", async () => {
  const type = (name: string) => ({ headers: { "content-type": name } });
  const form = "application/x-www-form-urlencoded";
  const answers = [
    await post({}, { body: "Body=%ff%fe", ...type(form) }),
    await post({}, { body: new Uint8Array([66, 61, 0xff]), ...type(form) }),
    await post({}, { body: "Body=100%", ...type(form) }),
    await post({}, { body: "a&".repeat(600), ...type(form) }),
    await post({}, { body: '{"To":"+1"}', ...type("application/json") }),
    await post({}, { body: "<To/>", ...type("text/xml") }),
    await post({}, { body: `Body=${"x".repeat(200_000)}`, ...type(form) }),
  ];
  const told = answers.map(({ status, json }) => [status, json.code]);
  expect(told).toEqual([
    ...Array(4).fill([400, 20001]),
    ...[
      [415, 20001],
      [415, 20001],
      [413, 20001],
    ],
  ]);
});

test("a charset in the content type, and a form type on a GET, are as good as none", async () => {
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" };
  const { status } = await post({}, { body: String(new URLSearchParams(text)), headers });
  expect(status).toBe(201);
  expect((await call(`${started.home}/Messages.json`, { headers })).status).toBe(200);
});

test("another method is refused with the ones that would do", async () => {
  const put = await call(`${started.home}/Messages.json`, { method: "PUT", body: "" });
  expect([put.status, put.json.code, put.headers.get("allow")]).toEqual([
    ...[405, 20004, "GET, HEAD, POST"],
  ]);
  const ours = await call("/longwave/v1/Connectors", { method: "DELETE" });
  expect([ours.status, ours.json.code]).toEqual([405, 20004]);
  const unknown = await call(`${started.home}/Calls.json`, { method: "POST", form: {} });
  expect([unknown.status, unknown.json.code]).toEqual([404, 20404]);
  expect(unknown.json.message).toContain("Messages");
  const head = await call(`${started.home}/Messages.json`, { method: "HEAD" });
  expect([head.status, head.text]).toEqual([200, ""]);
});

test("no credentials cost no body: they are refused before it is read", async () => {
  const head = `POST ${started.home}/Messages.json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n`;
  const form = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n";
  expect(await exchange(head + form)).toMatch(/^HTTP\/1\.1 401 /);
});

const unreadable: [string, string, number][] = [
  ["large headers", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`, 431],
  ["an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["no HTTP at all", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    400,
  ],
];
test.each(unreadable)("%s are refused in Twilio's form", async (_name, bytes, status) => {
  const [head = "", body = ""] = (await exchange(bytes)).split("\r\n\r\n");
  expect(head).toContain(`HTTP/1.1 ${status} `);
  expect(JSON.parse(body)).toMatchObject({ code: 20001, status });
});

test("a CSV that is refused at its second row is read to its end, and the connection goes on", async () => {
  const { sid, token } = started.app.firstAccount;
  const csv = `recipient\n"\n${"x".repeat(4_000_000)}`;
  const authorization = `Authorization: Basic ${btoa(`${sid}:${token}`)}`;
  const answers = await exchange(
    [
      `POST /longwave/v1/OptOuts/Import HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`,
      `Content-Type: text/csv\r\nContent-Length: ${csv.length}\r\n\r\n${csv}`,
      "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ].join(""),
  );
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400", "HTTP/1.1 200"]);
});

test("an error leads to a page that says what it means, without credentials", async () => {
  const headers = { authorization: "" };
  const { json } = await post({ ...text, To: "" });
  const known = await call(new URL(json.more_info).pathname, { headers });
  expect(known.headers.get("content-type")).toContain("text/html");
  expect([known.status, known.text.includes("The recipient is missing.")]).toEqual([200, true]);
  const unknown = await call("/docs/errors/99999", { headers });
  expect([unknown.status, unknown.text.includes("no error with this code")]).toEqual([404, true]);
  const list = await call("/docs/errors", { headers });
  expect(list.text).toContain('href="/docs/errors/21211"');
});

test("every answer has an id by which it is found in the log", async () => {
  const answers = [await post(text), await call("/nothing"), await post({})];
  for (const { headers } of answers) {
    expect(headers.get("twilio-request-id")).toMatch(/^RQ[0-9a-f]{32}$/);
  }
});

const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
const deepBodies: [string, string][] = [
  ["alone", deep],
  ["in a message", `{"messages":[{"To":${deep}}]}`],
];
test.each(deepBodies)("JSON too deep to be read is refused, %s", async (_name, body) => {
  const headers = { "content-type": "application/json", "idempotency-key": `deep-${body.length}` };
  const { status, json } = await call("/longwave/v1/Messages/Bulk", { body, headers });
  expect([status, json.code]).toEqual([400, 20001]);
});
