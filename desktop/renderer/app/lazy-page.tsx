import { Button } from '@mantine/core';
import { type ComponentType, useCallback, useEffect, useState } from 'react';
import { useConnections } from '../daemon/connections.ts';
import type { Screen } from '../features/feature.ts';
import { SkeletonRows, useSlow } from '../ui/data/query-view.tsx';
import { Notice } from '../ui/feedback/problem.tsx';
import { Page } from '../ui/layout/page.tsx';

const loaded = new Map<Screen, ComponentType>();

async function load(screen: Screen): Promise<ComponentType> {
  const known = loaded.get(screen);
  if (known) return known;
  const { default: component } = await screen.load();
  loaded.set(screen, component);
  return component;
}

/** A page whose code comes when it is first opened. When it cannot be had, that is said, and tried again by itself. */
export function lazyPage(screen: Screen): ComponentType {
  return function LazyPage() {
    const [Loaded, setLoaded] = useState<ComponentType | undefined>(() => loaded.get(screen));
    const [isFailed, setFailed] = useState(false);
    const isOnline = useConnections((state) => state.list.some((connection) => connection.state.status === 'online'));
    const isSlow = useSlow(Loaded === undefined && !isFailed);
    const attempt = useCallback(() => {
      setFailed(false);
      load(screen).then(
        (component) => setLoaded(() => component),
        () => setFailed(true),
      );
    }, []);
    // biome-ignore lint/correctness/useExhaustiveDependencies: tried again when the daemon that serves it is back
    useEffect(() => {
      if (Loaded === undefined) attempt();
    }, [attempt, isOnline]);
    if (Loaded) return <Loaded />;
    if (!isFailed) return isSlow ? <SkeletonRows /> : null;
    return (
      <Page title="This page could not be loaded" wide={false}>
        <Notice tone="danger" title="This page could not be loaded: server unreachable" role="alert">
          <p>StreamHub tries again by itself.</p>
          <div className="row" style={{ marginTop: 8 }}>
            <Button size="xs" onClick={attempt}>
              Retry
            </Button>
            <Button size="xs" onClick={() => location.reload()}>
              Reload
            </Button>
          </div>
        </Notice>
      </Page>
    );
  };
}

/** A visit that ends sooner needs no other pages. */
const VISIT_MS = 30_000;

/** Brings the code of all pages in quiet moments, so that opening one waits for nothing and needs no daemon. */
export function loadAhead(screens: readonly Screen[]): () => void {
  const timer = setTimeout(() => loadNext(screens), VISIT_MS);
  return () => clearTimeout(timer);
}

function loadNext(screens: readonly Screen[]): void {
  const idle = (next: () => void): void => {
    if ('requestIdleCallback' in window) requestIdleCallback(next, { timeout: 5000 });
    else setTimeout(next, 500);
  };
  const [first, ...rest] = screens;
  if (first === undefined) return;
  idle(() => {
    load(first).then(
      () => loadNext(rest),
      () => {
        // the daemon isn't responding; the page says so when it is opened
      },
    );
  });
}
