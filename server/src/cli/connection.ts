import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, type CommandIo, exitCodes, usageError } from "./command.ts";

/** A running Longwave and an account of it. */
export type Connection = {
  readonly accountSid: string;
  /** Path and query from the origin on. Resolves with the parsed JSON; throws `CommandError`. */
  readonly get: (path: string) => Promise<unknown>;
  readonly post: (path: string, form: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly postJson: (path: string, body: unknown) => Promise<unknown>;
  /** A long answer, piece by piece. */
  readonly download: (path: string) => AsyncIterable<string>;
  readonly postCsv: (path: string, csv: string) => Promise<unknown>;
  /** The same Longwave with another account's credentials. */
  readonly as: (accountSid: string, authToken: string) => Connection;
};

/** For `parseArgs`: the flags of every command that talks to a Longwave. */
export const connectionFlags = {
  url: { type: "string" },
  account: { type: "string" },
  token: { type: "string" },
} as const;

export type ConnectionFlags = { url?: string; account?: string; token?: string };

export const connectionHelp = [
  "--url, --account, --token, or LONGWAVE_URL, LONGWAVE_ACCOUNT_SID, LONGWAVE_AUTH_TOKEN, say which",
  "Longwave and account. Without them it is the one that 'longwave serve' runs here, by the file",
  "credentials.json in its data folder (LONGWAVE_DATA_DIR, ./data).",
];

type Credentials = { url: string; accountSid: string; authToken: string };

const REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_URL = "http://localhost:8080";

/** Flags go before the environment, and that before what the local server has written down. */
export async function connect(flags: ConnectionFlags, io: CommandIo): Promise<Connection> {
  return open(await findCredentials(flags, io.env), io);
}

function open(credentials: Credentials, io: CommandIo): Connection {
  const base = checkUrl(credentials.url);
  const basic = Buffer.from(`${credentials.accountSid}:${credentials.authToken}`);
  const authorization = `Basic ${basic.toString("base64")}`;
  const request = async (path: string, init: RequestInit): Promise<unknown> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", authorization);
    const response = await io
      .fetch(base + path, {
        ...init,
        headers,
        redirect: "error",
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      .catch((error: unknown) => {
        throw notReached(base, error);
      });
    return await readAnswer(base, response);
  };
  return {
    accountSid: credentials.accountSid,
    get: (path) => request(path, {}),
    post: (path, form) => request(path, { method: "POST", body: new URLSearchParams(form) }),
    postJson: (path, body) =>
      request(path, {
        ...{ method: "POST", body: JSON.stringify(body) },
        headers: { "content-type": "application/json" },
      }),
    download: async function* (path) {
      const response = await io
        .fetch(base + path, { headers: { authorization }, redirect: "error" })
        .catch((error: unknown) => {
          throw notReached(base, error);
        });
      if (!response.ok || response.body === null) {
        await readAnswer(base, response);
        return;
      }
      const decoder = new TextDecoder();
      for await (const chunk of response.body) yield decoder.decode(chunk, { stream: true });
    },
    postCsv: (path, csv) =>
      request(path, { method: "POST", body: csv, headers: { "content-type": "text/csv" } }),
    as: (accountSid, authToken) => open({ url: base, accountSid, authToken }, io),
  };
}

async function findCredentials(
  flags: ConnectionFlags,
  env: CommandIo["env"],
): Promise<Credentials> {
  const url = flags.url ?? env.LONGWAVE_URL;
  const accountSid = flags.account ?? env.LONGWAVE_ACCOUNT_SID;
  const authToken = flags.token ?? env.LONGWAVE_AUTH_TOKEN;
  if (accountSid !== undefined && authToken !== undefined) {
    return { url: url ?? DEFAULT_URL, accountSid, authToken };
  }
  if (flags.account !== undefined || flags.token !== undefined) {
    throw usageError("An account sid needs its token.", "Give both --account and --token.");
  }
  const local = await readLocalCredentials(env.LONGWAVE_DATA_DIR ?? "data");
  // The local token is for the local server: it is sent to no other address.
  if (url !== undefined && new URL(checkUrl(url)).origin !== new URL(local.url).origin) {
    const remedy = "Set LONGWAVE_ACCOUNT_SID and LONGWAVE_AUTH_TOKEN.";
    throw new CommandError(exitCodes.unreachable, `There are no credentials for ${url}.`, remedy);
  }
  return local;
}

async function readLocalCredentials(dataDir: string): Promise<Credentials> {
  const path = join(dataDir, "credentials.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "ENOENT" ? "there is no" : "may not be read:";
    throw new CommandError(
      exitCodes.unreachable,
      `No Longwave is known here: ${why} ${path}.`,
      "Start one with 'npm start', or set LONGWAVE_URL, LONGWAVE_ACCOUNT_SID, LONGWAVE_AUTH_TOKEN.",
    );
  });
  try {
    const { url, accountSid, authToken } = JSON.parse(text) as Partial<Credentials>;
    if (url !== undefined && accountSid !== undefined && authToken !== undefined) {
      return { url: checkUrl(url), accountSid, authToken };
    }
  } catch {
    // falls through to the sentence below
  }
  throw new CommandError(
    exitCodes.unreachable,
    `${path} does not hold url, accountSid and authToken.`,
    "Remove it and start Longwave again, which writes it anew.",
  );
}

/** The URL without a slash at its end. */
function checkUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageError(`'${url}' is not the URL of a Longwave.`, `Write it like ${DEFAULT_URL}.`);
  }
  return url.replace(/\/+$/, "");
}

function notReached(base: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(
    exitCodes.unreachable,
    `No Longwave answers at ${base}${why === "" ? "" : ` (${why})`}.`,
    "Start one with 'npm start', or give its address with --url or LONGWAVE_URL.",
  );
}

async function readAnswer(base: string, response: Response): Promise<unknown> {
  const body = parseJson(await response.text());
  if (response.ok && body !== undefined) return body;
  const { code, message } = (body ?? {}) as { code?: number; message?: string };
  if (response.status === 401) {
    throw new CommandError(
      exitCodes.unreachable,
      `${base} does not know these credentials.`,
      "Check LONGWAVE_ACCOUNT_SID and LONGWAVE_AUTH_TOKEN, or --account and --token.",
    );
  }
  if (code === undefined || message === undefined) {
    const what = `What answers at ${base} is no Longwave (HTTP ${response.status}).`;
    throw new CommandError(exitCodes.unreachable, what, "Check --url or LONGWAVE_URL.");
  }
  throw new CommandError(exitCodes.failed, `${code}: ${message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
