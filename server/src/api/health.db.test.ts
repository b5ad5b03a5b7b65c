import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "../../test/compat/started-app.ts";
import { runCommand } from "../cli/cli.ts";
import { connectDatabase } from "../db/connect.ts";
import { addHealth } from "./health.ts";

let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(() => started.close());

async function longwave(url: string): Promise<[number, string]> {
  let says = "";
  const terminal = {
    write: (text: string) => {
      says += text;
    },
  };
  const io = { out: terminal, err: terminal, env: { LONGWAVE_URL: url }, fetch };
  return [await runCommand(["health"], io), says];
}

test("a process with its database is alive and ready, and needs no credentials to say so", async () => {
  const asked = { headers: { authorization: "" } };
  expect(await started.call("/health", asked)).toMatchObject({ status: 200 });
  expect((await started.call("/health/ready", asked)).json).toEqual({ status: "ready" });
  expect(await longwave(started.app.url)).toEqual([0, "ready\n"]);
});

test("a process without its database is alive but not ready", async () => {
  const database = connectDatabase({
    ...{ kind: "url", url: "postgres://nobody@127.0.0.1:1/none", directUrl: undefined },
  });
  const server = fastify();
  addHealth(server, database);
  const url = await server.listen({ port: 0, host: "127.0.0.1" });
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/health/ready`)).status).toBe(503);
  expect(await longwave(url)).toEqual([1, "waiting for the database\n"]);
  await server.close();
  await database.close();
  expect((await longwave(url))[0]).toBe(1);
});
