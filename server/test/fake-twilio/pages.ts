import type { Resource } from "./resources.ts";

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 1_000;

type Page = { readonly items: Resource[]; readonly page: number; readonly size: number };

function pageOf(all: readonly Resource[], query: URLSearchParams): Page & { isLast: boolean } {
  const size = Math.min(Number(query.get("PageSize") ?? PAGE_SIZE) || PAGE_SIZE, PAGE_SIZE_MAX);
  const page = Number(query.get("Page") ?? 0);
  const items = all.slice(page * size, (page + 1) * size);
  return { items, page, size, isLast: (page + 1) * size >= all.length };
}

function linkTo(url: URL, { page, size }: { page: number; size: number }): string {
  const query = new URLSearchParams(url.searchParams);
  query.set("PageSize", String(size));
  query.set("Page", String(page));
  return `${url.pathname}?${query}`;
}

/** A list of the API of 2010: addresses of pages without an origin. */
export function list2010(name: string, all: readonly Resource[], url: URL): Resource {
  const { items, page, size, isLast } = pageOf(all, url.searchParams);
  return {
    [name]: items,
    ...{ page, page_size: size, start: page * size },
    end: Math.max(page * size + items.length - 1, 0),
    first_page_uri: linkTo(url, { page: 0, size }),
    next_page_uri: isLast ? null : linkTo(url, { page: page + 1, size }),
    previous_page_uri: page === 0 ? null : linkTo(url, { page: page - 1, size }),
    uri: linkTo(url, { page, size }),
  };
}

/** A list of the newer products. */
export function listV1(key: string, all: readonly Resource[], url: URL): Resource {
  const { items, page, size, isLast } = pageOf(all, url.searchParams);
  const at = (other: number) => url.origin + linkTo(url, { page: other, size });
  return {
    [key]: items,
    meta: {
      ...{ key, page, page_size: size, url: at(page), first_page_url: at(0) },
      next_page_url: isLast ? null : at(page + 1),
      previous_page_url: page === 0 ? null : at(page - 1),
    },
  };
}
