import { ApiError } from "../lib/errors.ts";
import type { ParameterTable } from "./form.ts";
import type { ApiRequest } from "./route.ts";

export const PAGE_SIZE_MAX = 1_000;
const PAGE_SIZE = 50;

export const pageParameters = {
  PageSize: "same",
  Page: "different",
  PageToken: "same",
} as const satisfies ParameterTable;

export type PageAsked = {
  readonly size: number;
  readonly number: number;
  /** The sid or number of the last item of the page before. */
  readonly after: string | undefined;
};

/**
 * Reads the paging of Twilio's APIs. A page begins after an item, not at an offset: so it holds
 * still while others are added. Refuses with 20007 and 21481.
 */
export function readPage(request: ApiRequest): PageAsked {
  const { form } = request;
  const size = form.int("PageSize", { min: 1, max: PAGE_SIZE_MAX, code: 20007 }) ?? PAGE_SIZE;
  const number = form.int("Page", { min: 0, max: 1_000_000_000 }) ?? 0;
  const token = form.text("PageToken") || undefined;
  if (token === undefined && number > 0) {
    throw invalidPageToken("A page after the first needs its PageToken. Follow next_page_uri.");
  }
  if (token !== undefined && !/^PA[A-Za-z0-9+]{1,40}$/.test(token)) throw invalidPageToken();
  return { size, number, after: token?.slice(2) };
}

export function invalidPageToken(
  why = "The PageToken is not one of ours. Follow next_page_uri, or start without it.",
): ApiError {
  return new ApiError(400, 21481, why);
}

type List<Item> = {
  readonly key: string;
  readonly found: readonly Item[];
  readonly show: (item: Item) => object;
  readonly tokenOf: (item: Item) => string;
  /** The filters to be repeated in the address of the next page. */
  readonly filters?: readonly string[];
};

/** The body of a list of the 2010 API. `found` holds one more item than the page when another page follows. */
export function pageBody<Item>(request: ApiRequest, asked: PageAsked, list: List<Item>): object {
  const { items, here, first, next } = cutPage(request, asked, list);
  const start = asked.number * asked.size;
  return {
    ...{ page: asked.number, page_size: asked.size },
    ...{ start, end: items.length === 0 ? start : start + items.length - 1 },
    uri: here,
    first_page_uri: first,
    previous_page_uri: null,
    next_page_uri: next ?? null,
    [list.key]: items.map(list.show),
  };
}

/** The same for the newer APIs, whose addresses are whole. */
export function metaPageBody<Item>(
  request: ApiRequest,
  asked: PageAsked,
  list: List<Item>,
): object {
  const { origin } = request;
  const { items, here, first, next } = cutPage(request, asked, list);
  return {
    [list.key]: items.map(list.show),
    meta: {
      ...{ page: asked.number, page_size: asked.size, key: list.key },
      url: origin + here,
      first_page_url: origin + first,
      previous_page_url: null,
      next_page_url: next === undefined ? null : origin + next,
    },
  };
}

function cutPage<Item>(request: ApiRequest, asked: PageAsked, list: List<Item>) {
  const items = list.found.slice(0, asked.size);
  const last = list.found.length > asked.size ? items.at(-1) : undefined;
  const uri = (number: number, token?: string) => {
    const query = new URLSearchParams();
    for (const name of list.filters ?? []) {
      const value = request.form.text(name);
      if (value !== undefined) query.set(name, value);
    }
    query.set("PageSize", String(asked.size));
    query.set("Page", String(number));
    if (token !== undefined) query.set("PageToken", `PA${token}`);
    return `${request.path}?${query}`;
  };
  return {
    items,
    here: uri(asked.number, asked.after),
    first: uri(0),
    next: last === undefined ? undefined : uri(asked.number + 1, list.tokenOf(last)),
  };
}

/** The part of a list in memory that a page may show, and one more. */
export function sliceAfter<Item>(
  items: readonly Item[],
  asked: PageAsked,
  isAfter: (item: Item, token: string) => boolean,
): Item[] {
  const { after } = asked;
  const rest = after === undefined ? items : items.filter((item) => isAfter(item, after));
  return rest.slice(0, asked.size + 1);
}
