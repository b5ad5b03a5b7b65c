import twilio from "twilio";

export {
  type Connector,
  createLongwaveApi,
  type InventoryNumber,
  type LongwaveApi,
  LongwaveError,
  type OptOut,
  type Registration,
  type TimelineEntry,
} from "./longwave-api.ts";

type RequestClientOptions = ConstructorParameters<typeof twilio.RequestClient>[0];
type Request<Data> = typeof twilio.RequestClient.prototype.request<Data>;
type RequestOptions<Data> = Parameters<Request<Data>>[0];

export type LongwaveConnection = {
  /** Where Longwave listens, such as `http://localhost:8080`; it may end in a path. */
  readonly baseUrl: string;
  /** The account that the client works on. */
  readonly accountSid: string;
  /** The account's token, or the secret of `apiKeySid`. */
  readonly authToken: string;
  readonly apiKeySid?: string;
  /** Of every text that this client sends: 0 leaves first, 3 last. */
  readonly priority?: 0 | 1 | 2 | 3;
  /** Passed on to Twilio's HTTP client: timeouts, retries after 429. */
  readonly http?: RequestClientOptions;
};

/** The official Twilio client, talking to a Longwave. */
export function createLongwaveClient(connection: LongwaveConnection): twilio.Twilio {
  const { baseUrl, accountSid, authToken, apiKeySid, priority, http } = connection;
  const headers = priority === undefined ? {} : { "X-Longwave-Priority": String(priority) };
  return twilio(apiKeySid ?? accountSid, authToken, {
    accountSid,
    httpClient: new LongwaveRequestClient(baseUrl, http, headers),
  });
}

/**
 * Sends what is meant for a host of twilio.com to a Longwave instead. The host stays in the header
 * `X-Twilio-Host`, because it is all that tells some products apart. Other hosts are left alone:
 * Longwave's own links already lead to it.
 */
export class LongwaveRequestClient extends twilio.RequestClient {
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    baseUrl: string,
    options?: RequestClientOptions,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(options);
    this.#base = new URL(baseUrl);
    this.#headers = headers;
  }

  override request<Data>(options: RequestOptions<Data>): ReturnType<Request<Data>> {
    const url = new URL(options.uri);
    if (!/(^|\.)twilio\.com$/.test(url.hostname)) return super.request(options);
    const path = this.#base.pathname.replace(/\/$/, "") + url.pathname;
    return super.request({
      ...options,
      uri: this.#base.origin + path + url.search,
      headers: { ...options.headers, ...this.#headers, "X-Twilio-Host": url.hostname },
    });
  }
}
