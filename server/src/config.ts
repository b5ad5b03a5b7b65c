import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { StartError } from "./lib/errors.ts";

/** Every setting, checked. `docs/configuration.md` tells the same to people; a test compares them. */
export type Config = {
  /** What this process does; others on the same database may do the rest. */
  readonly roles: ReadonlySet<Role>;
  /** The roles of each process that this program is to run; one: itself. */
  readonly processes: readonly ReadonlySet<Role>[];
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly databaseDirectUrl: string | undefined;
  readonly accountSid: string | undefined;
  readonly authToken: string | undefined;
  /** 32 bytes; nothing: made in the data folder. */
  readonly secretKey: Buffer | undefined;
  readonly publicUrl: string | undefined;
  readonly retentionDays: number;
  /** After which a sent message without a receipt counts as undelivered; nothing: never. */
  readonly receiptHours: number | undefined;
  readonly trustProxy: boolean;
  readonly simulator: boolean;
  readonly simulatorPort: number;
  readonly simulatorHttpPort: number;
  /** CIDR ranges that webhooks and connectors may reach although they are private. */
  readonly allowPrivate: readonly string[];
};

export const roles = ["api", "dispatch", "webhooks"] as const;
export type Role = (typeof roles)[number];

type Env = Readonly<Record<string, string | undefined>>;

export const variables = [
  "LONGWAVE_ROLE",
  "LONGWAVE_PROCESSES",
  "PORT",
  "HOST",
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "LONGWAVE_DATA_DIR",
  "LONGWAVE_ACCOUNT_SID",
  "LONGWAVE_AUTH_TOKEN",
  "LONGWAVE_SECRET_KEY",
  "LONGWAVE_PUBLIC_URL",
  "LONGWAVE_RETENTION_DAYS",
  "LONGWAVE_RECEIPT_HOURS",
  "LONGWAVE_TRUST_PROXY",
  "LONGWAVE_SIMULATOR",
  "LONGWAVE_SIMULATOR_PORT",
  "LONGWAVE_SIMULATOR_HTTP_PORT",
  "LONGWAVE_ALLOW_PRIVATE",
] as const;

/** Read by the command line as a client, not by the server. */
const clientVariables = ["LONGWAVE_URL", "LONGWAVE_TEST_DATABASE_URL", "LONGWAVE_TEST_DIRECT_URL"];

export function readConfig(env: Env = process.env): Config {
  refuseUnknown(env);
  const databaseUrl = readDatabaseUrl(env, "DATABASE_URL");
  const secretKey = readSecretKey(env);
  if (databaseUrl !== undefined && secretKey === undefined) {
    throw new StartError(
      "LONGWAVE_SECRET_KEY is not set. With DATABASE_URL every process needs the same key: set it to 64 hexadecimal digits, from `openssl rand -hex 32`.",
    );
  }
  const isQuickStart = databaseUrl === undefined;
  return {
    roles: readRoles(env),
    processes: readProcesses(env),
    port: readPort(env, "PORT", 8080),
    host: env.HOST ?? "127.0.0.1",
    dataDir: resolve(env.LONGWAVE_DATA_DIR ?? "data"),
    databaseUrl,
    databaseDirectUrl: readDatabaseUrl(env, "DATABASE_DIRECT_URL"),
    accountSid: readPattern(
      env,
      "LONGWAVE_ACCOUNT_SID",
      /^AC[0-9a-f]{32}$/,
      "AC and 32 hexadecimal digits",
    ),
    authToken: readPattern(
      env,
      "LONGWAVE_AUTH_TOKEN",
      /^\S{16,128}$/,
      "16 to 128 characters without blanks",
    ),
    secretKey,
    publicUrl: readPublicUrl(env),
    receiptHours:
      readNumber(env, "LONGWAVE_RECEIPT_HOURS", { fallback: 0, min: 0, max: 720 }) || undefined,
    retentionDays: readNumber(env, "LONGWAVE_RETENTION_DAYS", { fallback: 90, min: 1, max: 3_650 }),
    trustProxy: readSwitch(env, "LONGWAVE_TRUST_PROXY", false),
    simulator: readSwitch(env, "LONGWAVE_SIMULATOR", isQuickStart),
    simulatorPort: readPort(env, "LONGWAVE_SIMULATOR_PORT", 0),
    simulatorHttpPort: readPort(env, "LONGWAVE_SIMULATOR_HTTP_PORT", 8090),
    allowPrivate: readRanges(env, isQuickStart),
  };
}

/** Where a program on this machine reaches what listens there. */
export function localUrl(host: string, port: number): string {
  const all: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const address = all[host] ?? host;
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** The key that seals secrets: from the environment, or made once in the data folder. */
export function loadSecretKey(config: Pick<Config, "secretKey" | "dataDir">): Buffer {
  if (config.secretKey !== undefined) return config.secretKey;
  const path = join(config.dataDir, "secret.key");
  if (existsSync(path)) return Buffer.from(readFileSync(path, "utf8").trim(), "hex");
  mkdirSync(config.dataDir, { recursive: true });
  const key = randomBytes(32);
  writeFileSync(path, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  return key;
}

function refuseUnknown(env: Env): void {
  const known = new Set<string>([...variables, ...clientVariables]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith("LONGWAVE_") || known.has(name)) continue;
    throw new StartError(
      `${name} is no setting of Longwave. Remove it, or see docs/configuration.md for the right name.`,
    );
  }
}

function invalid(name: string, value: string, remedy: string): StartError {
  return new StartError(`${name} is '${value}'. Set it to ${remedy}.`);
}

function readNumber(env: Env, name: string, of: { fallback: number; min: number; max: number }) {
  const text = env[name];
  if (text === undefined || text === "") return of.fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= of.min && value <= of.max) return value;
  throw invalid(name, text, `a whole number from ${of.min} to ${of.max}`);
}

/** 0: any free port. */
function readPort(env: Env, name: string, fallback: number): number {
  return readNumber(env, name, { fallback, min: 0, max: 65_535 });
}

function readSwitch(env: Env, name: string, fallback: boolean): boolean {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  if (["1", "true", "on"].includes(text)) return true;
  if (["0", "false", "off"].includes(text)) return false;
  throw invalid(name, text, "on or off");
}

function readRoles(env: Env): Set<Role> {
  const text = env.LONGWAVE_ROLE;
  if (text === undefined || text === "" || text === "all") return new Set(roles);
  const named = rolesIn(text);
  if (named !== undefined) return named;
  throw invalid("LONGWAVE_ROLE", text, `${roles.join(", ")} or several with a comma between`);
}

function rolesIn(text: string): Set<Role> | undefined {
  const named = text.split(",").map((word) => roles.find((role) => role === word.trim()));
  const known = named.filter((role) => role !== undefined);
  return known.length === named.length ? new Set(known) : undefined;
}

/** Above it a machine has too many for one PostgreSQL's connections. */
const PROCESSES_MAX = 16;

function readProcesses(env: Env): Set<Role>[] {
  const text = env.LONGWAVE_PROCESSES?.trim() ?? "";
  const count = text === "" ? 1 : Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= PROCESSES_MAX) {
    return Array.from({ length: count }, () => readRoles(env));
  }
  const each = text.split(/\s+/).map(rolesIn);
  const known = each.filter((named) => named !== undefined);
  if (known.length === each.length && known.length <= PROCESSES_MAX) return known;
  const remedy = `1 to ${PROCESSES_MAX}, or the roles of each process with blanks between, such as 'api dispatch,webhooks'`;
  throw invalid("LONGWAVE_PROCESSES", text, remedy);
}

function readPattern(env: Env, name: string, pattern: RegExp, remedy: string): string | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (pattern.test(text)) return text;
  throw new StartError(`${name} has the wrong form. Set it to ${remedy}.`);
}

function readSecretKey(env: Env): Buffer | undefined {
  const text = readPattern(
    env,
    "LONGWAVE_SECRET_KEY",
    /^[0-9a-fA-F]{64}$/,
    "64 hexadecimal digits, from `openssl rand -hex 32`",
  );
  return text === undefined ? undefined : Buffer.from(text, "hex");
}

function readDatabaseUrl(env: Env, name: string): string | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new StartError(
    `${name} has the wrong form. Set it to postgres://user:password@host:5432/database.`,
  );
}

function readPublicUrl(env: Env): string | undefined {
  const text = env.LONGWAVE_PUBLIC_URL;
  if (text === undefined || text === "") return undefined;
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
  throw invalid(
    "LONGWAVE_PUBLIC_URL",
    text,
    "the address as customers see it, such as https://sms.example.com",
  );
}

function readRanges(env: Env, isQuickStart: boolean): string[] {
  const text = env.LONGWAVE_ALLOW_PRIVATE;
  if (text === undefined) return isQuickStart ? ["127.0.0.0/8", "::1/128"] : [];
  const ranges = text.split(",").map((range) => range.trim());
  const wrong = ranges.find((range) => range !== "" && !/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(range));
  if (wrong === undefined) return ranges.filter((range) => range !== "");
  throw invalid("LONGWAVE_ALLOW_PRIVATE", wrong, "ranges such as 10.0.0.0/8,192.168.1.0/24");
}
