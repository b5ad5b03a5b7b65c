import type { Connection } from "../connection.ts";
import type { Present } from "./plan.ts";

/** What this Longwave has: the operator's accounts with their tokens, the inventory, the services. */
export type Longwave = Present & {
  readonly connectorNames: ReadonlySet<string>;
};

type Accounts = { readonly accounts: readonly { sid: string; auth_token: string }[] };
type Inventory = {
  readonly numbers: readonly { number: string; account_sid: string | null }[];
  readonly meta: { readonly next_token: string | null };
};

export async function readLongwave(operator: Connection): Promise<Longwave> {
  const tokens = await readTokens(operator);
  const holders = await readHolders(operator);
  const as = (sid: string) => {
    const token = tokens.get(sid);
    return token === undefined || sid === operator.accountSid ? operator : operator.as(sid, token);
  };
  const pools = new Map<string, Set<string>>();
  for (const sid of tokens.keys()) await readPools(as(sid), pools);
  const { connectors } = (await operator.get("/longwave/v1/Connectors")) as {
    connectors: { name: string }[];
  };
  return {
    hasAccount: (sid) => tokens.has(sid),
    holderOf: (number) => holders.get(number),
    hasService: (sid) => pools.has(sid),
    isInService: (sid, sender) => pools.get(sid)?.has(sender) === true,
    connectorNames: new Set(connectors.map(({ name }) => name)),
  };
}

async function readTokens(operator: Connection): Promise<Map<string, string>> {
  const tokens = new Map<string, string>();
  for await (const page of pages<Accounts>(operator, "/2010-04-01/Accounts.json?PageSize=1000")) {
    for (const { sid, auth_token: token } of page.accounts) tokens.set(sid, token);
  }
  return tokens;
}

async function readHolders(operator: Connection): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  let token = "";
  do {
    const query = `PageSize=1000&PageToken=${encodeURIComponent(token)}`;
    const page = (await operator.get(`/longwave/v1/Inventory?${query}`)) as Inventory;
    for (const { number, account_sid: holder } of page.numbers) holders.set(number, holder ?? "");
    token = page.meta.next_token ?? "";
  } while (token !== "");
  return holders;
}

async function readPools(account: Connection, pools: Map<string, Set<string>>): Promise<void> {
  type Services = { readonly services: readonly { sid: string }[] };
  for await (const { services } of pages<Services>(account, "/v1/Services?PageSize=1000")) {
    for (const { sid } of services) {
      const pool = new Set<string>();
      for (const [collection, key, field] of poolLists) {
        const path = `/v1/Services/${sid}/${collection}?PageSize=1000`;
        for await (const page of pages<Record<string, Record<string, string>[]>>(account, path)) {
          for (const member of page[key] ?? []) pool.add(member[field] ?? "");
        }
      }
      pools.set(sid, pool);
    }
  }
}

const poolLists = [
  ["PhoneNumbers", "phone_numbers", "phone_number"],
  ["ShortCodes", "short_codes", "short_code"],
  ["AlphaSenders", "alpha_senders", "alpha_sender"],
] as const;

/** The sid here of a number that the account holds. */
export async function findSender(account: Connection, number: string): Promise<string | undefined> {
  const home = `/2010-04-01/Accounts/${account.accountSid}`;
  const query = number.startsWith("+")
    ? `IncomingPhoneNumbers.json?PhoneNumber=${encodeURIComponent(number)}`
    : `SMS/ShortCodes.json?ShortCode=${number}`;
  const found = (await account.get(`${home}/${query}`)) as Record<string, Sender[] | undefined>;
  const all = found.incoming_phone_numbers ?? found.short_codes ?? [];
  return all.find((one) => (one.phone_number ?? one.short_code) === number)?.sid;
}

type Sender = { sid: string; phone_number?: string; short_code?: string };

type Paged = {
  readonly next_page_uri?: string | null;
  readonly meta?: { readonly next_page_url?: string | null };
};

async function* pages<Page>(connection: Connection, path: string): AsyncGenerator<Awaited<Page>> {
  let next: string | undefined = path;
  while (next !== undefined) {
    const page = (await connection.get(next)) as Awaited<Page> & Paged;
    yield page;
    const url = page.next_page_uri ?? page.meta?.next_page_url ?? undefined;
    next = url === undefined ? undefined : pathOf(url);
  }
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url, "http://localhost");
  return pathname + search;
}
