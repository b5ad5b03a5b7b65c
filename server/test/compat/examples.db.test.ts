import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPython, noPython, readExample, runProgram } from "./run-program.ts";
import { type StartedApp, startTestApp } from "./started-app.ts";

let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
});

const run = (program: string, args: readonly string[], input: string) =>
  runProgram(started.app, [program, ...args], input);

/** Waits until the text that an example printed has arrived at the phone. */
async function expectDelivered(printed: string, body: string): Promise<void> {
  const [sid, status] = printed.trim().split(" ");
  expect([sid, status]).toEqual([expect.stringMatching(/^SM/), "queued"]);
  const fetchText = async () => (await started.call(`${started.home}/Messages/${sid}.json`)).json;
  await expect.poll(fetchText).toMatchObject({ body, from: "+15005550100", status: "delivered" });
}

test("the README's first text, as it stands, is delivered and called back", async () => {
  const statuses: (string | null)[] = [];
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    statuses.push(new URLSearchParams(Buffer.concat(chunks).toString()).get("MessageStatus"));
    response.end();
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const { sid, token } = started.app.firstAccount;
  const example = readExample("README.md", "ts")
    .replace("http://127.0.0.1:8080", started.app.url)
    .replace('"AC…"', JSON.stringify(sid))
    .replace('"…"', JSON.stringify(token))
    .replace(":3000/", `:${(receiver.address() as AddressInfo).port}/`);
  const printed = await run(process.execPath, ["--input-type=module"], example);
  await expectDelivered(printed, "Your code is 314159");
  await expect.poll(() => statuses).toContain("delivered");
  receiver.close();
});

test("the Python page's first text, as it stands, is delivered", async (context) => {
  const python = await findPython();
  if (python === undefined) {
    context.skip(noPython);
    return;
  }
  const printed = await run(python, ["-"], readExample("docs/clients/python.md", "python"));
  await expectDelivered(printed, "Hello from Python");
});
