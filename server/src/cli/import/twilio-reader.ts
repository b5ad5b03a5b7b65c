import { CommandError, type CommandIo, exitCodes } from "../command.ts";

/** Resources in Twilio's words; only what an import reads. */
export type TwilioNumber = {
  readonly sid: string;
  readonly phone_number?: string;
  readonly short_code?: string;
  readonly friendly_name: string | null;
  readonly sms_url: string | null;
  readonly sms_method: string | null;
  readonly sms_fallback_url: string | null;
  readonly sms_fallback_method: string | null;
  readonly sms_application_sid?: string | null;
  readonly voice_url?: string | null;
  readonly voice_application_sid?: string | null;
  readonly trunk_sid?: string | null;
  readonly status_callback?: string | null;
  readonly capabilities?: { readonly mms?: boolean; readonly sms?: boolean };
};
export type TwilioService = {
  readonly sid: string;
  readonly friendly_name: string;
  readonly us_app_to_person_registered?: boolean;
} & Readonly<Record<string, string | number | boolean | null | object>>;
export type TwilioMessage = {
  readonly from: string | null;
  readonly to: string | null;
  readonly body: string | null;
  readonly direction: string;
  readonly error_code: number | null;
  readonly messaging_service_sid: string | null;
};
export type TwilioAccount = {
  readonly sid: string;
  readonly auth_token?: string;
  readonly friendly_name: string;
  readonly status: string;
  readonly owner_account_sid?: string;
};

/** One account at Twilio, read page by page. */
export type TwilioReader = {
  /** Every item of a list, `path` from the origin on; `key` names its array. */
  readonly list: <Item>(product: Product, path: string, key: string) => AsyncGenerator<Item>;
  readonly get: <Resource>(product: Product, path: string) => Promise<Resource>;
  readonly update: (
    product: Product,
    path: string,
    form: Readonly<Record<string, string>>,
  ) => Promise<void>;
};

type Product = "api" | "messaging";
type Login = { readonly accountSid: string; readonly authToken: string };

const REQUEST_TIMEOUT_MS = 60_000;
/** Twilio's own limit of a page. */
const PAGE_SIZE = 1_000;
const TRIES_MAX = 6;
const PAUSE_MS = 1_000;

/** `baseUrl` stands for every product's host; without it each has Twilio's own. */
export function readTwilio(
  io: CommandIo,
  { accountSid, authToken, baseUrl }: Login & { readonly baseUrl: string | undefined },
): TwilioReader {
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
  const originOf = (product: Product) => baseUrl ?? `https://${product}.twilio.com`;
  const pause = io.pause ?? ((ms: number) => new Promise((done) => setTimeout(done, ms)));

  const request = async (url: string, init: RequestInit = {}): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const headers = { authorization };
      const response = await io
        .fetch(url, { ...init, headers, signal, redirect: "error" })
        .catch((error: unknown) => {
          if (attempt < TRIES_MAX) return undefined;
          throw notRead(url, error instanceof Error ? error.message : String(error));
        });
      const mayPass = response === undefined || response.status === 429 || response.status >= 500;
      if (!mayPass || attempt === TRIES_MAX) return await bodyOf(url, response);
      await response?.body?.cancel();
      await pause(PAUSE_MS * 2 ** (attempt - 1));
    }
  };

  return {
    list: async function* <Item>(product: Product, path: string, key: string) {
      const mark = path.includes("?") ? "&" : "?";
      let next: string | undefined = `${originOf(product)}${path}${mark}PageSize=${PAGE_SIZE}`;
      while (next !== undefined) {
        const page = (await request(next)) as Page<Item>;
        yield* (page[key] as Item[] | undefined) ?? [];
        next = nextOf(page, originOf(product));
      }
    },
    get: async <Resource>(product: Product, path: string) =>
      (await request(originOf(product) + path)) as Resource, // in Twilio's published shape
    update: async (product, path, form) => {
      await request(originOf(product) + path, {
        ...{ method: "POST", body: new URLSearchParams(form) },
      });
    },
  };
}

type Page<Item> = Readonly<Record<string, readonly Item[] | unknown>> & {
  readonly next_page_uri?: string | null;
  readonly meta?: { readonly next_page_url?: string | null };
};

/** The credentials go to Twilio's host alone, whatever a page says where the next one is. */
function nextOf(page: Page<unknown>, origin: string): string | undefined {
  const next = page.next_page_uri ?? page.meta?.next_page_url;
  if (next === null || next === undefined || next === "") return undefined;
  const url = new URL(next, origin);
  return `${origin}${url.pathname}${url.search}`;
}

async function bodyOf(url: string, response: Response | undefined): Promise<unknown> {
  const body: unknown = await response?.json().catch(() => undefined);
  if (response?.ok === true && body !== undefined) return body;
  const { message, code } = (body ?? {}) as { message?: string; code?: number };
  const why = `HTTP ${response?.status}${code === undefined ? "" : `, ${code}: ${message}`}`;
  throw notRead(url, why);
}

function notRead(url: string, why: string): CommandError {
  const remedy =
    "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN. What was imported stays; run it again.";
  const { origin, pathname } = new URL(url);
  return new CommandError(
    exitCodes.failed,
    `${origin}${pathname} could not be read: ${why}.`,
    remedy,
  );
}
