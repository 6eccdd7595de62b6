import { type ReactNode, Suspense, useEffect } from 'react';
import { useConnections } from '../daemon/connections.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { bridge } from '../host/host.ts';
import { NotReady } from '../problems/not-ready.tsx';
import { ProblemWatchers } from '../problems/problem-watch.tsx';
import { SkeletonRows } from '../ui/data/query-view.tsx';
import { DialogHost } from '../ui/feedback/dialog.tsx';
import { usePhone } from '../ui/layout/device.ts';
import { daemonPages, desktopPages } from './features.ts';
import classes from './frame.module.css';
import { HostCommands } from './host-commands.tsx';
import { KeyboardShortcuts } from './keyboard.tsx';
import { loadAhead } from './lazy-page.tsx';
import { Palette } from './palette.tsx';
import { Rail } from './rail.tsx';
import { SectionDrawer, SectionList } from './section-list.tsx';
import { SignInGate } from './sign-in-gate.tsx';
import { StatusBar } from './status-bar.tsx';
import { TopBar } from './top-bar.tsx';

/** Rail, sections, top bar, page and status bar. Without a daemon at hand there are no sections. */
export function Frame({ children }: { children: ReactNode }) {
  const daemon = useMaybeDaemon();
  const isDesktop = bridge().host === 'desktop';
  const isPhone = usePhone();
  const isKnown = useConnections((state) => state.isKnown);
  useEffect(() => loadAhead([...new Set([...(isDesktop ? desktopPages : []), ...daemonPages])]), [isDesktop]);
  useEffect(() => {
    document.documentElement.dataset['host'] = isDesktop ? 'desktop' : 'web';
  }, [isDesktop]);
  return (
    <DialogHost>
      <div
        className={classes.frame}
        data-rail={isDesktop || undefined}
        data-sections={(daemon !== undefined && !isPhone) || undefined}
      >
        <a className={classes.skip} href="#page">
          Skip to the page
        </a>
        {isDesktop ? <Rail /> : null}
        {daemon === undefined ? null : isPhone ? <SectionDrawer /> : <SectionList />}
        <div className={classes.main}>
          <TopBar />
          <NotReady />
          <main id="page" className={classes.page} tabIndex={-1}>
            <SignInGate>
              <Suspense fallback={<SkeletonRows />}>{isKnown ? children : null}</Suspense>
            </SignInGate>
          </main>
        </div>
        <StatusBar />
        <ProblemWatchers />
        <Palette />
        <KeyboardShortcuts />
        {isDesktop ? <HostCommands /> : null}
      </div>
    </DialogHost>
  );
}
