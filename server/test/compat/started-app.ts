import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

export const secretKey = "07".repeat(32);

export type Credentials = { readonly sid: string; readonly token: string };
export type Asked = {
  readonly method?: string;
  /** A form; several values of a name are repeated. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The first account's when left out. */
  readonly as?: Credentials | undefined;
};
export type Told = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test expects to be in an answer
  readonly json: any;
};

export type StartedApp = {
  readonly app: App;
  readonly database: TestDatabase;
  /** What was reported as a fault of the program. */
  readonly bugs: readonly unknown[];
  /** The first account's path, such as `/2010-04-01/Accounts/AC…`. */
  readonly home: string;
  readonly call: (path: string, asked?: Asked) => Promise<Told>;
  readonly close: () => Promise<void>;
};

/** The whole server with its simulator, on a database of its own. */
export async function startTestApp(
  given?: TestDatabase,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<StartedApp> {
  const bugs: unknown[] = [];
  const database = given ?? (await createTestDatabase());
  const folder = mkdtempSync(join(tmpdir(), "longwave-app-"));
  const config = {
    ...readConfig({ LONGWAVE_SECRET_KEY: secretKey, LONGWAVE_DATA_DIR: folder }),
    ...{ port: 0, simulatorPort: 0, simulatorHttpPort: 0 },
  };
  const report = (error: unknown) => bugs.push(error);
  const app = await startApp({
    ...{ config, address: database.address, clock, version: "0.0.0", report },
  });
  return {
    ...{ app, database, bugs, home: `/2010-04-01/Accounts/${app.firstAccount.sid}` },
    call: (path, asked = {}) => call(app, path, asked),
    close: async () => {
      await app.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function basic({ sid, token }: Credentials): string {
  return `Basic ${btoa(`${sid}:${token}`)}`;
}

async function call(app: App, path: string, asked: Asked): Promise<Told> {
  const { form, headers } = asked;
  const body = asked.body ?? (form === undefined ? undefined : encodeForm(form));
  const response = await fetch(app.url + path, {
    method: asked.method ?? (body === undefined ? "GET" : "POST"),
    headers: { authorization: basic(asked.as ?? app.firstAccount), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return {
    ...{ status: response.status, headers: response.headers, text },
    json: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

function encodeForm(form: NonNullable<Asked["form"]>): URLSearchParams {
  return new URLSearchParams(
    Object.entries(form).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    ),
  );
}
