/** Lists as they are asked for: filtered, in order, cut into pages that link to each other. */
import type { ApiResource } from './collection.js';
import type { Page, Query } from './query.js';

export interface Listed {
  readonly rows: readonly ApiResource[];
  readonly links: readonly Link[];
}

export interface Link {
  readonly rel: 'next' | 'previous';
  readonly href: string;
}

/**
 * @param find answers with the resource of a marker, which need not pass the filters
 * @param at the address of the request, as the client said it
 */
export function listed(
  all: readonly ApiResource[],
  query: Query,
  find: (id: string) => ApiResource,
  at: URL,
): Listed {
  const found = all.filter(query.matches).sort(query.order);
  if (query.page === undefined) return { rows: found, links: [] };
  const rows = pageRows(found, query, query.page, find);
  return { rows, links: linksOf(rows, query.page, at) };
}

function pageRows(
  found: readonly ApiResource[],
  { order }: Query,
  { limit, marker, isReverse }: Page,
  find: (id: string) => ApiResource,
): readonly ApiResource[] {
  const from = marker === undefined || marker === '' ? undefined : find(marker);
  const beyond = found.filter((row) => {
    if (from === undefined) return true;
    return isReverse ? order(row, from) < 0 : order(row, from) > 0;
  });
  if (limit === 0) return beyond;
  return isReverse ? beyond.slice(-limit) : beyond.slice(0, limit);
}

/** There may be more where a page is full; who follows a link once too often gets an empty page. */
function linksOf(rows: readonly ApiResource[], { limit, isReverse }: Page, at: URL): readonly Link[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (limit === 0 || first === undefined || last === undefined) return [];
  const isFull = rows.length >= limit;
  return [
    ...(isFull || isReverse ? [{ rel: 'next', href: linkTo(at, last.id, false) } as const] : []),
    ...(isFull || !isReverse ? [{ rel: 'previous', href: linkTo(at, first.id, true) } as const] : []),
  ];
}

function linkTo(at: URL, marker: string, isReverse: boolean): string {
  const link = new URL(at);
  link.searchParams.delete('page_reverse');
  link.searchParams.set('marker', marker);
  if (isReverse) link.searchParams.set('page_reverse', 'True');
  return link.href;
}
