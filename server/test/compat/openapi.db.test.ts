import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Asked, type StartedApp, startTestApp } from "./started-app.ts";

type Operation = {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
};
type Content = Readonly<Record<string, { readonly schema: object }>>;
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const prefix = "/longwave/v1";
const text = { To: "+14155552671", From: "+15005550100", Body: "Hello" };
const json = { "content-type": "application/json" };
let started: StartedApp;
let document: { paths: Paths; components: { schemas: { Error: object } } };

beforeAll(async () => {
  started = await startTestApp();
  document = (await started.call(`${prefix}/openapi.json`, { headers: { authorization: "" } }))
    .json;
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const ajv = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);

function operations(): [string, string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]): [string, string, Operation] => [
      path,
      method,
      one,
    ]),
  );
}

/** What of an answer is not as the document says. */
async function faults(method: string, path: string, asked: Asked & { at?: string } = {}) {
  const { status, json: answer } = await started.call(prefix + (asked.at ?? path), {
    ...{ method: method.toUpperCase(), ...asked },
  });
  const content = document.paths[path]?.[method]?.responses[String(status)]?.content;
  const schema = content?.["application/json"]?.schema ?? document.components.schemas.Error;
  const validate = ajv.compile(schema);
  validate(answer);
  return { status, errors: validate.errors ?? [] };
}

test("every operation has a name of its own, its path's parameters and schemas that hold", () => {
  const names = operations().map(([, , one]) => one.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const [path, , one] of operations()) {
    const inPath = one.parameters.filter((parameter) => parameter.in === "path");
    const braces = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(inPath.map(({ name }) => name)).toEqual(braces);
    const contents = [
      one.requestBody?.content,
      ...Object.values(one.responses).map((r) => r.content),
    ];
    for (const content of contents) {
      for (const { schema } of Object.values(content ?? {})) ajv.compile(schema);
    }
  }
});

test("every operation is served, to those who sign in", async () => {
  for (const [path, method] of operations()) {
    const url = prefix + path.replace(/\{\w+\}/g, "x");
    const asked = { method: method.toUpperCase(), headers: { authorization: "" } };
    expect([path, (await started.call(url, asked)).status]).toEqual([path, 401]);
  }
});

test("answers are as the document says", async () => {
  const body = JSON.stringify({ messages: [text, { ...text, To: "no" }] });
  const sent = await started.call(`${prefix}/Messages/Bulk`, { body, headers: json });
  const { sid } = sent.json.messages[0];
  const optOut = JSON.stringify({ optOuts: [] });
  const told = {
    bulk: await faults("post", "/Messages/Bulk", { body, headers: json }),
    timeline: await faults("get", "/Messages/{sid}/Timeline", { at: `/Messages/${sid}/Timeline` }),
    optOuts: await faults("get", "/OptOuts"),
    inventory: await faults("get", "/Inventory"),
    lanes: await faults("get", "/Lanes"),
    lane: await faults("post", "/Lanes/{lane}", {
      ...{ at: "/Lanes/+15005550100", body: JSON.stringify({ is_paused: true }), headers: json },
    }),
    connectors: await faults("get", "/Connectors"),
    refused: await faults("post", "/OptOuts", { body: optOut, headers: json }),
    unknown: await faults("delete", "/Connectors/{name}", { at: "/Connectors/nobody" }),
  };
  const fits = (status: number) => ({ status, errors: [] });
  expect(told).toEqual({
    ...{ bulk: fits(200), timeline: fits(200), optOuts: fits(200), inventory: fits(200) },
    ...{ lanes: fits(200), lane: fits(200) },
    ...{ connectors: fits(200), refused: fits(400), unknown: fits(404) },
  });
});
