import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;
let receiver: Server;
const calls: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  started = await startTestApp();
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      calls.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
});
afterAll(async () => {
  await started.close();
  receiver.close();
});

test("the secret that the API tells checks a callback, and each account has its own", async () => {
  const { json: told } = await started.call("/longwave/v1/WebhookSecret");
  const { port } = receiver.address() as AddressInfo;
  await started.call(`${started.home}/Messages.json`, {
    form: {
      ...{ To: "+12025550123", From: "+15005550100", Body: "Hello" },
      StatusCallback: `http://127.0.0.1:${port}/status`,
    },
  });
  await expect.poll(() => calls.length).toBeGreaterThan(0);
  const [call] = calls;
  const headers = call?.headers as Record<string, string>;
  const verify = (secret: string) => () => new Webhook(secret).verify(call?.body ?? "", headers);
  // It verifies first and then wants JSON, which a form is not.
  expect(verify(told.secret)).toThrow(SyntaxError);

  const { json: made } = await started.call("/2010-04-01/Accounts.json", {
    form: { FriendlyName: "Other" },
  });
  const as = { sid: made.sid, token: made.auth_token };
  const { json: others } = await started.call("/longwave/v1/WebhookSecret", { as });
  expect(verify(others.secret)).toThrow("No matching signature found");
});
