import {
  type InfiniteData,
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { useMemo } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import type { Input } from '#shared/client/input.ts';
import type { Opened } from '#shared/client/opened.ts';
import type { CallOptions } from '#shared/client/wire.ts';
import { whoAmI } from '#shared/contract/auth.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import { useDaemon } from '../daemon/daemon-context.tsx';
import { clientFor } from '../host/clients.ts';

/** One cache for all daemons: the first part of a key is the connection's id, the second the operation's. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, { queryKey }) => recheckRights(error, queryKey),
    onSuccess: (answer, { queryKey }) => {
      if (queryKey[1] === whoAmI.id) noteRights(queryKey[0] as string, (answer as ResultOf<typeof whoAmI>).data);
    },
  }),
  mutationCache: new MutationCache({
    onError: (error, _input, _context, { options }) => recheckRights(error, options.mutationKey),
  }),
  defaultOptions: {
    // a failed read shows a button to retry; reconnecting is the connection's job
    queries: { retry: false, networkMode: 'always', staleTime: 10_000, gcTime: 600_000, refetchOnReconnect: false },
    mutations: { retry: false, networkMode: 'always' },
  },
});

/** A refusal can mean that rights have changed, and pages show what they allow. */
function recheckRights(error: Error, [connectionId, op]: QueryKey = []): void {
  if (error instanceof DaemonError && error.status === 403 && op !== whoAmI.id)
    void refresh(connectionId as string, whoAmI);
}

const rightsOf = new Map<string, { userId: string; held: string }>();

/** With other rights everything is read again: the former ones may have shown more. */
function noteRights(
  connectionId: string,
  { userId, scope, tenantId, permissions }: ResultOf<typeof whoAmI>['data'],
): void {
  const before = rightsOf.get(connectionId);
  const held = JSON.stringify([scope, tenantId, permissions]);
  rightsOf.set(connectionId, { userId, held });
  if (before?.userId !== userId || before.held === held) return;
  void queryClient.resetQueries({ queryKey: [connectionId], predicate: ({ queryKey }) => queryKey[1] !== whoAmI.id });
}

export function keyOf<O extends Operation>(connectionId: string, op: O, input?: Input<O>): QueryKey {
  const { params, query } = (input ?? {}) as { params?: unknown; query?: unknown };
  return [connectionId, op.id, params ?? null, query ?? null];
}

/** The options of a read, for `useQuery`, `useQueries` and `fetchQuery`. */
export function readOptions<O extends Operation>(
  connectionId: string,
  op: O,
  input?: Input<O>,
  call: CallOptions = {},
) {
  return {
    queryKey: keyOf(connectionId, op, input),
    queryFn: async ({ signal }: { signal: AbortSignal }) =>
      await clientFor(connectionId).call(op, input, { ...call, signal }),
  };
}

/** Milliseconds; while LiveKit is away, what it would tell is asked for less often: each try is an error in the daemon's log. */
const AWAY_EVERY = 30_000;
const AWAY: ReadonlySet<string> = new Set(['LIVEKIT_UNREACHABLE', 'LIVEKIT_NOT_CONFIGURED']);
const unlessAway =
  (every: number | false) =>
  ({ state: { error } }: { state: { error: unknown } }): number | false =>
    every !== false && error instanceof DaemonError && AWAY.has(error.code) ? Math.max(every, AWAY_EVERY) : every;

export interface ReadOptions {
  enabled?: boolean;
  /** Milliseconds; for what no event announces. */
  every?: number | false;
  /** Keep what the former input gave until the new answer is there. */
  keep?: boolean;
  timeout?: number;
  staleTime?: number;
}

/** Reads an operation of the daemon at hand. */
export function useRead<O extends Operation>(
  op: O,
  input?: Input<O>,
  options: ReadOptions = {},
): UseQueryResult<Opened<ResultOf<O>>, Error> {
  const { id } = useDaemon();
  return useReadOf(id, op, input, options);
}

/** Reads an operation of any daemon. */
export function useReadOf<O extends Operation>(
  connectionId: string,
  op: O,
  input?: Input<O>,
  { enabled = true, every = false, keep = false, timeout, staleTime }: ReadOptions = {},
): UseQueryResult<Opened<ResultOf<O>>, Error> {
  return useQuery<Opened<ResultOf<O>>, Error>({
    ...readOptions(connectionId, op, input, timeout === undefined ? {} : { timeout }),
    enabled,
    refetchInterval: unlessAway(every),
    ...(staleTime === undefined ? {} : { staleTime }),
    ...(keep ? { placeholderData: (previous: unknown) => previous as never } : {}),
  });
}

/** Last part of the key of answers that are read page by page. */
export const PAGES = 'pages';

/** Rows that are read at a time. */
const PAGE = 200;
interface Page<R> {
  data: R[];
  total: number;
  offset: number;
}
type RowOf<O extends Operation> = ResultOf<O> extends { data: readonly (infer R)[] } ? R : never;

/** Reads a long list of the daemon at hand: its first rows, and more with each call of `readMore`. */
export function usePages<O extends Operation>(
  op: O,
  input: Input<O>,
  { every = false, keep = false }: { every?: number | false; keep?: boolean } = {},
) {
  const { id } = useDaemon();
  const { query } = input as { query?: object };
  const pages = useInfiniteQuery<Page<RowOf<O>>, Error, InfiniteData<Page<RowOf<O>>>, QueryKey, number>({
    queryKey: [...keyOf(id, op, input), PAGES],
    queryFn: async ({ pageParam, signal }) => {
      const part = { ...input, query: { ...query, limit: PAGE, offset: pageParam } };
      return (await clientFor(id).call(op, part, { signal })) as unknown as Page<RowOf<O>>;
    },
    initialPageParam: 0,
    getNextPageParam: (last) =>
      last.offset + last.data.length < last.total ? last.offset + last.data.length : undefined,
    refetchInterval: unlessAway(every),
    ...(keep ? { placeholderData: keepPreviousData } : {}),
  });
  return {
    pages,
    rows: useMemo(() => pages.data?.pages.flatMap((page) => page.data) ?? [], [pages.data]),
    total: pages.data?.pages[0]?.total ?? 0,
    readMore: readMoreOf(pages),
  };
}

/** Reads the next rows of a list; undefined when all are there. */
export function readMoreOf(
  pages: Pick<UseInfiniteQueryResult, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>,
): (() => void) | undefined {
  if (!pages.hasNextPage) return undefined;
  return () => {
    if (!pages.isFetchingNextPage) void pages.fetchNextPage();
  };
}

/** Changes something on the daemon at hand. Afterwards the reads in `refreshes` are repeated, also when it failed. */
export function useChange<O extends Operation>(
  op: O,
  { refreshes = [], timeout }: { refreshes?: readonly Operation[]; timeout?: number } = {},
): UseMutationResult<Opened<ResultOf<O>>, Error, Input<O>> {
  const { id } = useDaemon();
  return useMutation<Opened<ResultOf<O>>, Error, Input<O>>({
    mutationKey: [id, op.id],
    mutationFn: (input) => clientFor(id).call(op, input, timeout === undefined ? {} : { timeout }),
    onSettled: () => refresh(id, ...refreshes),
  });
}

/** Reads these operations of a connection again wherever they are shown. */
export async function refresh(connectionId: string, ...ops: readonly Operation[]): Promise<void> {
  await Promise.all(ops.map((op) => queryClient.invalidateQueries({ queryKey: [connectionId, op.id] })));
}
