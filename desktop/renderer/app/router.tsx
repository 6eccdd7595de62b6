import {
  type AnyRoute,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  parseSearchWith,
  useParams,
  useRouterState,
} from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { useConnections } from '../daemon/connections.ts';
import { DaemonProvider } from '../daemon/daemon-context.tsx';
import { GoTo } from '../daemon/links.tsx';
import { useSignedIn } from '../daemon/signed-in.ts';
import type { Screen } from '../features/feature.ts';
import { SignInPage } from '../features/sign-in/sign-in-page.tsx';
import { BASE_PATH } from '../host/base.ts';
import { bridge } from '../host/host.ts';
import { SkeletonRows } from '../ui/data/query-view.tsx';
import { Empty } from '../ui/feedback/empty.tsx';
import { Failed } from './failed.tsx';
import { daemonPages, desktopPages, linkPages } from './features.ts';
import { Frame } from './frame.tsx';
import { lazyPage } from './lazy-page.tsx';

/** Pages of the daemon that the path names: the only one in a browser, `/d/<id>` in the desktop app. */
function DaemonPages() {
  const { connection: id } = useParams({ strict: false }) as { connection?: string };
  const { list, isKnown } = useConnections();
  const signedIn = useSignedIn();
  const connection = id === undefined ? list[0] : list.find((one) => one.id === id);
  if (connection === undefined) {
    return isKnown ? (
      <Empty title="This daemon is not in your list">
        <p>It was removed here, or the link comes from another computer.</p>
      </Empty>
    ) : (
      <SkeletonRows />
    );
  }
  const isWeb = bridge().host === 'web';
  // not signed in yet: don't show pages that would be removed again
  if (isWeb && connection.state.status === 'connecting' && connection.credential.kept === 'none')
    return <SkeletonRows />;
  if (connection.state.status === 'signed-out' && signedIn[connection.id] === undefined) {
    return isWeb ? (
      <SignInPage connection={connection} />
    ) : (
      <DaemonProvider key={connection.id} connection={connection} base={`/d/${id}`}>
        <Frame>{null}</Frame>
      </DaemonProvider>
    );
  }
  return (
    <DaemonProvider
      // nothing that somebody else read or typed stays on the pages
      key={`${connection.id} ${signedIn[connection.id]?.before ?? 0}`}
      connection={connection}
      base={id === undefined ? '' : `/d/${id}`}
    >
      <Frame>
        <Outlet />
      </Frame>
    </DaemonProvider>
  );
}

/** Pages that are about no daemon in particular. */
function AppPages() {
  return (
    <Frame>
      <Outlet />
    </Frame>
  );
}

function NotFound() {
  return (
    <Empty title="No such page" action={<GoTo to="/">Go to the overview</GoTo>}>
      <p>
        Nothing is at <code>{location.pathname}</code>.
      </p>
    </Empty>
  );
}

/** A page for each link: one that is pasted over another differs only after `#`, so the browser doesn't load it again. */
function linkPage(screen: Screen): ComponentType {
  const Page = lazyPage(screen);
  return function LinkPage() {
    const hash = useRouterState({ select: (state) => state.location.hash });
    return <Page key={hash} />;
  };
}

/** Filters are texts: as a number, an identity of many digits is another one. The router puts quotes around what reads as one. */
const textOf = (value: string): string => {
  const parsed: unknown = JSON.parse(value);
  return typeof parsed === 'string' ? parsed : value;
};

export function makeRouter() {
  const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });
  const isDesktop = bridge().host === 'desktop';
  const pages = isDesktop
    ? createRoute({ getParentRoute: () => root, path: '/d/$connection', component: DaemonPages })
    : createRoute({ getParentRoute: () => root, id: 'daemon', component: DaemonPages });
  const toRoute = (screen: Screen) =>
    createRoute({
      getParentRoute: () => pages as never,
      path: screen.path,
      component: lazyPage(screen),
    } as never);
  const children = [
    ...daemonPages.map(toRoute),
    // any other address, inside the frame
    createRoute({ getParentRoute: () => pages as never, path: '/$', component: NotFound } as never),
  ];
  const outside = (isDesktop ? [] : linkPages).map((screen) =>
    createRoute({ getParentRoute: () => root, path: screen.path, component: linkPage(screen) } as never),
  );
  const around = createRoute({ getParentRoute: () => root, id: 'app', component: AppPages });
  const appPages = (isDesktop ? desktopPages : []).map((screen) =>
    createRoute({ getParentRoute: () => around as never, path: screen.path, component: lazyPage(screen) } as never),
  );
  const grown = (route: unknown, leaves: unknown[]): never =>
    (route as { addChildren(leaves: unknown[]): never }).addChildren(leaves);
  const tree = root.addChildren([
    ...outside,
    ...(isDesktop ? [grown(around, appPages)] : []),
    grown(pages, children),
  ] as never);
  return createRouter({
    routeTree: tree as unknown as AnyRoute,
    ...(BASE_PATH === '' ? {} : { basepath: BASE_PATH }),
    parseSearch: parseSearchWith(textOf),
    defaultPreload: 'intent',
    defaultPendingMs: 150,
    defaultPendingMinMs: 0,
    defaultErrorComponent: Failed as never,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}
