/** What Twilio has no API for: everything below `/longwave/v1`, typed. */
export type LongwaveApi = {
  readonly messages: {
    /** Up to 10,000 messages; each is accepted or refused on its own. Results keep the order. */
    readonly createBulk: (messages: readonly BulkMessage[]) => Promise<readonly BulkResult[]>;
    readonly timeline: (messageSid: string) => Promise<Timeline>;
  };
  readonly optOuts: {
    /** Walks through all pages. */
    readonly list: (filter?: OptOutFilter) => AsyncGenerator<OptOut>;
    /** Up to 1,000 recipients; gives those that were not on the list. */
    readonly add: (optOuts: OptOutsOf) => Promise<readonly string[]>;
    /** Rejects with 20404 when there is no such opt-out. */
    readonly remove: (optOut: { pool: string; recipient: string }) => Promise<void>;
    /** `pool` is for rows without one. */
    readonly importCsv: (csv: string, options?: { pool?: string }) => Promise<CsvImport>;
    readonly exportCsv: (options?: { pool?: string }) => Promise<string>;
  };
  /** For the operator's account. */
  readonly inventory: {
    readonly list: () => AsyncGenerator<InventoryNumber>;
    /** Adds numbers, and updates those that are there. Up to 1,000. */
    readonly put: (numbers: readonly NewInventoryNumber[]) => Promise<InventoryChange>;
    readonly importCsv: (csv: string) => Promise<InventoryChange>;
    readonly remove: (number: string) => Promise<void>;
  };
  readonly registrations: {
    readonly list: () => AsyncGenerator<Registration>;
    /** Records what carriers registered, in place of what was there. Up to 1,000. */
    readonly put: (
      registrations: readonly NewRegistration[],
    ) => Promise<{ readonly stored: number }>;
    readonly remove: (number: string) => Promise<void>;
  };
  /** For the operator's account. */
  readonly connectors: {
    readonly list: () => Promise<readonly Connector[]>;
    readonly add: (connector: NewConnector) => Promise<Connector>;
    readonly enable: (name: string, isEnabled: boolean) => Promise<Connector>;
    readonly remove: (name: string) => Promise<void>;
  };
};

/** The parameters of Twilio's Messages resource, and `Priority`: 0 leaves first, 3 last. */
export type BulkMessage = {
  readonly To: string;
  /** One of the account's senders; may be left out with a `MessagingServiceSid`. */
  readonly From?: string;
  readonly MessagingServiceSid?: string;
  readonly Body: string;
  readonly StatusCallback?: string;
  /** Seconds. */
  readonly ValidityPeriod?: number;
  readonly Priority?: 0 | 1 | 2 | 3;
  readonly SmartEncoded?: boolean;
};

export type BulkResult =
  | { readonly index: number; readonly sid: string; readonly status: string }
  | { readonly index: number; readonly code: number; readonly message: string };

export type TimelineEntry = {
  readonly at: string;
  readonly kind: string;
  /** A plain sentence. */
  readonly words: string;
  readonly rule: string | null;
  readonly remedy: string | null;
  /** The carrier's own words. */
  readonly raw: string | null;
};

export type Timeline = {
  readonly message: {
    readonly sid: string;
    readonly direction: string;
    /** Null until its messaging service has chosen one. */
    readonly from: string | null;
    readonly to: string;
    readonly status: string;
    readonly num_segments: number;
    readonly error_code: number | null;
    readonly is_simulated: boolean;
    readonly date_created: string;
    readonly date_sent: string | null;
  };
  readonly timeline: readonly TimelineEntry[];
};

export type OptOut = {
  readonly pool: string;
  readonly recipient: string;
  readonly source: "keyword" | "api" | "import" | "carrier";
  readonly keyword: string | null;
  readonly date_opted_out: string;
};

export type OptOutsOf = { readonly pool: string; readonly recipients: readonly string[] };
export type OptOutFilter = { readonly pool?: string; readonly recipient?: string };

export type CsvImport = {
  readonly added: number;
  readonly already_there: number;
  readonly invalid: number;
  /** The first hundred rows at fault; the header is row 1. */
  readonly invalid_rows: readonly { readonly row: number; readonly why: string }[];
};

export type NewInventoryNumber = {
  readonly number: string;
  readonly kind: "long_code" | "toll_free" | "short_code";
  readonly country: string;
  readonly connector: string;
  readonly segments_per_second: number;
  readonly max_queue_seconds?: number;
  readonly can_mms?: boolean;
};

export type InventoryNumber = Required<NewInventoryNumber> & {
  /** Null: free. */
  readonly account_sid: string | null;
};

/** A long code's campaign, or a toll-free number's verification, with United States carriers. */
export type Registration = {
  readonly number: string;
  readonly campaign: string;
  readonly brand: string;
  readonly class: string;
  /** Only `active` lets texts leave. */
  readonly status: "pending" | "active" | "suspended";
};

export type NewRegistration = Pick<Registration, "number" | "campaign"> & Partial<Registration>;

export type InventoryChange = { readonly added: number; readonly updated: number };

export type NewConnector = {
  readonly name: string;
  readonly kind: "smpp";
  /** Which login at the carrier: the scope of its message ids. The name, unless given. */
  readonly carrier_account?: string;
  readonly opt_outs_upstream?: boolean;
  readonly settings: Readonly<Record<string, unknown>>;
};

export type Connector = {
  readonly name: string;
  readonly kind: "smpp" | "simulator";
  readonly carrier_account: string;
  readonly opt_outs_upstream: boolean;
  readonly is_enabled: boolean;
  readonly state: {
    readonly phase: "connecting" | "stopped" | "bound" | "reconnecting";
    readonly cause: string | null;
    readonly next_attempt_at: string | null;
    readonly window: number | null;
    readonly in_flight: number | null;
    /** Segments a second that its carrier takes now, by its answers. */
    readonly throttled_to: number | null;
  };
};

/** Longwave refused: `code` is Twilio's error code, the message says what to do. */
export class LongwaveError extends Error {
  readonly status: number;
  readonly code: number | undefined;

  constructor(status: number, code: number | undefined, message: string) {
    super(message);
    this.name = "LongwaveError";
    this.status = status;
    this.code = code;
  }
}

/** Longwave answers within 30 seconds, except for large files. */
const TIMEOUT_MS = 120_000;
const PAGE_SIZE = "500";

export function createLongwaveApi(connection: {
  readonly baseUrl: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly apiKeySid?: string;
}): LongwaveApi {
  const call = createCall(connection);
  return {
    messages: {
      createBulk: async (messages) =>
        (await call<{ messages: BulkResult[] }>("POST", "/Messages/Bulk", { json: { messages } }))
          .messages,
      timeline: (sid) => call("GET", `/Messages/${encodeURIComponent(sid)}/Timeline`),
    },
    optOuts: optOutsOf(call),
    inventory: {
      list: () => allPages<InventoryNumber>(call, "/Inventory", "numbers", {}),
      put: (numbers) => call("POST", "/Inventory", { json: { numbers } }),
      importCsv: (csv) => call("POST", "/Inventory/Import", { csv }),
      remove: (number) => call("DELETE", `/Inventory/${encodeURIComponent(number)}`),
    },
    registrations: {
      list: () => allPages<Registration>(call, "/Registrations", "registrations", {}),
      put: (registrations) => call("POST", "/Registrations", { json: { registrations } }),
      remove: (number) => call("DELETE", `/Registrations/${encodeURIComponent(number)}`),
    },
    connectors: {
      list: async () => (await call<{ connectors: Connector[] }>("GET", "/Connectors")).connectors,
      add: (connector) => call("POST", "/Connectors", { json: connector }),
      enable: (name, isEnabled) =>
        call("POST", `/Connectors/${encodeURIComponent(name)}`, {
          json: { is_enabled: isEnabled },
        }),
      remove: (name) => call("DELETE", `/Connectors/${encodeURIComponent(name)}`),
    },
  };
}

function optOutsOf(call: Call): LongwaveApi["optOuts"] {
  return {
    list: (filter = {}) =>
      allPages<OptOut>(call, "/OptOuts", "opt_outs", {
        Pool: filter.pool,
        Recipient: filter.recipient,
      }),
    add: async (optOuts) =>
      (await call<{ added: string[] }>("POST", "/OptOuts", { json: optOuts })).added,
    remove: ({ pool, recipient }) =>
      call("DELETE", `/OptOuts/${encodeURIComponent(pool)}/${encodeURIComponent(recipient)}`),
    importCsv: (csv, options = {}) =>
      call("POST", "/OptOuts/Import", { csv, query: { Pool: options.pool } }),
    exportCsv: (options = {}) => call("GET", "/OptOuts/Export", { query: { Pool: options.pool } }),
  };
}

async function* allPages<Item>(
  call: Call,
  path: string,
  key: string,
  filter: Query,
): AsyncGenerator<Item> {
  let token: string | undefined;
  do {
    const query: Query = { ...filter, PageSize: PAGE_SIZE, PageToken: token };
    const page = await call<Page<Item>>("GET", path, { query });
    yield* page[key] as Item[]; // the key's list, by the API's contract
    token = page.meta.next_token ?? undefined;
  } while (token !== undefined);
}

type Page<Item> = { meta: { next_token: string | null } } & Record<string, unknown | Item[]>;
type Query = Readonly<Record<string, string | undefined>>;
type CallOptions = { readonly query?: Query; readonly json?: unknown; readonly csv?: string };
type Call = <Result>(method: string, path: string, options?: CallOptions) => Promise<Result>;

function createCall(connection: Parameters<typeof createLongwaveApi>[0]): Call {
  const { baseUrl, accountSid, authToken, apiKeySid } = connection;
  const credentials = Buffer.from(`${apiKeySid ?? accountSid}:${authToken}`).toString("base64");

  return async <Result>(method: string, path: string, options: CallOptions = {}) => {
    const url = new URL(`${baseUrl.replace(/\/$/, "")}/longwave/v1${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const headers: Record<string, string> = { authorization: `Basic ${credentials}` };
    if (options.json !== undefined) headers["content-type"] = "application/json";
    if (options.csv !== undefined) headers["content-type"] = "text/csv";
    const body = options.json === undefined ? options.csv : JSON.stringify(options.json);
    const response = await fetch(url, {
      method,
      headers,
      body: body ?? null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw errorOf(response.status, text);
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return (isJson && text !== "" ? JSON.parse(text) : text) as Result; // the answer, by the API's contract
  };
}

function errorOf(status: number, text: string): LongwaveError {
  try {
    const { code, message } = JSON.parse(text) as { code?: number; message?: string };
    return new LongwaveError(status, code, message ?? `The answer was HTTP ${status}.`);
  } catch {
    return new LongwaveError(status, undefined, `The answer was HTTP ${status} without JSON.`);
  }
}
