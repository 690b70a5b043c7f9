// Lists by cursor: one request a page, one flat list for the table.

import { keepPreviousData, type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import type { Page } from "../api/shapes.ts";

/** How often what is on the screen is asked for again. */
export const LIVE_MS = 3_000;
export const CALM_MS = 30_000;

type Fetch<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;

export function usePages<T>(queryKey: QueryKey, fetchPage: Fetch<T>, refetchInterval: number | false = false) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    // Only the first page is asked for again by itself: rows that a person has scrolled to stay.
    refetchInterval: (query) => (query.state.data && query.state.data.pages.length > 1 ? false : refetchInterval),
  });
  const rows = query.data?.pages.flatMap((page) => page.items);
  const onMore = query.hasNextPage ? () => void query.fetchNextPage() : undefined;
  return { query, rows, onMore };
}

/** Pages that a list to choose from is read of, at most. */
const MOST_PAGES = 20;

/** All of a list, page by page, for choosing one of it. */
export async function everyPage<Row>(load: (cursor: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, next_cursor } = await load(cursor);
    rows.push(...items);
    if (!next_cursor) break;
    cursor = next_cursor;
  }
  return rows;
}
