import { Link, useNavigate, useRouter, useRouterState, useSearch } from '@tanstack/react-router';
import { type ComponentProps, type ReactNode, useCallback, useSyncExternalStore } from 'react';
import { useMaybeDaemon } from './daemon-context.tsx';

type Search = Record<string, string | undefined>;

/** A link to a page of the daemon at hand. */
export function GoTo({
  to,
  search,
  children,
  ...rest
}: { to: string; search?: Search; children: ReactNode } & Omit<ComponentProps<'a'>, 'href'>) {
  const base = useMaybeDaemon()?.base ?? '';
  return (
    // a daemon's overview is above all its pages, and current on none of them but itself
    <Link
      to={`${base}${to}` as '/'}
      search={(search ?? {}) as never}
      activeOptions={{ exact: true }}
      {...(rest as object)}
    >
      {children}
    </Link>
  );
}

/** Moves to a page of the daemon at hand. */
export function useGo(): (to: string, search?: Search) => void {
  const base = useMaybeDaemon()?.base ?? '';
  const navigate = useNavigate();
  return useCallback(
    (to, search = {}) => void navigate({ to: `${base}${to}` as '/', search: search as never }),
    [base, navigate],
  );
}

/**
 * The part of the page's address after `?`, as a state: filters live there, so that they can be linked to. A change is seen
 * in the same event, before the router has rendered it, so that fields can show it: a later value moves the caret to the end.
 */
export function useSearchState(): [Search, (change: Search, push?: boolean) => void] {
  const router = useRouter();
  const rendered = useSearch({ strict: false });
  const pathname = useRouterState({ select: ({ matches }) => matches.at(-1)?.pathname });
  useSyncExternalStore(router.history.subscribe, () => router.history.location.href);
  const { latestLocation } = router;
  // while another page loads, this one keeps its filters
  const search: Record<string, unknown> = latestLocation.pathname === pathname ? latestLocation.search : rendered;
  const set = useCallback(
    (change: Search, push = false) => {
      void router.navigate({
        to: '.' as '/',
        search: ((old: Search) =>
          Object.fromEntries(
            Object.entries({ ...old, ...change }).filter(([, value]) => value !== undefined && value !== ''),
          )) as never,
        replace: !push,
      });
    },
    [router],
  );
  const texts = Object.fromEntries(
    Object.entries(search).map(([key, value]) => [key, value === undefined ? undefined : String(value)]),
  );
  return [texts, set];
}
