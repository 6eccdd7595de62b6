import { Drawer, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useLocation } from '@tanstack/react-router';
import { useEffect } from 'react';
import { create } from 'zustand';
import { useRead } from '../api/query.ts';
import { lackFor, useMe } from '../api/rights.ts';
import { useDaemon } from '../daemon/daemon-context.tsx';
import { GoTo } from '../daemon/links.tsx';
import { ConnectionState } from '../features/daemons/connection-state.tsx';
import type { Counter } from '../features/feature.ts';
import { bridge } from '../host/host.ts';
import { useLayout } from '../ui/layout/layout.ts';
import { useOverlay } from '../ui/layout/overlays.ts';
import { sections } from './features.ts';
import classes from './section-list.module.css';

const useDrawer = create<{ isOpen: boolean }>(() => ({ isOpen: false }));
export const openSections = (): void => useDrawer.setState({ isOpen: true });
const closeSections = (): void => useDrawer.setState({ isOpen: false });

/** The sections of a phone's window, over the page until one is chosen. */
export function SectionDrawer() {
  const isOpen = useDrawer((drawer) => drawer.isOpen);
  const place = useLocation({ select: (location) => location.href });
  // biome-ignore lint/correctness/useExhaustiveDependencies: wherever one has gone to, it is in the way
  useEffect(closeSections, [place]);
  useOverlay(isOpen, closeSections);
  return (
    <Drawer
      closeOnEscape={false}
      opened={isOpen}
      onClose={closeSections}
      position="left"
      size={280}
      title="Sections"
      padding={0}
    >
      <SectionList isDrawn />
    </Drawer>
  );
}

/** The second column: the daemon's name and state, then its sections with what they count. */
export function SectionList({ isDrawn = false }: { isDrawn?: boolean }) {
  const { connection, base } = useDaemon();
  const isDesktop = bridge().host === 'desktop';
  const isNarrow = useMediaQuery('(max-width: 999px)', window.innerWidth < 1000);
  const isFoldedHere = useLayout((layout) => layout.isFolded) || isNarrow;
  const isFolded = isFoldedHere && !isDrawn;
  const pathname = useLocation({ select: (location) => location.pathname });
  const here = pathname.slice(base.length) || '/';
  return (
    <nav
      className={classes.nav}
      data-folded={isFolded || undefined}
      data-drawn={isDrawn || undefined}
      aria-label="Sections"
    >
      <div className={classes.daemon} title={`${connection.name}\n${connection.url}`}>
        {isFolded ? (
          <ConnectionState connection={connection} isShort />
        ) : (
          <>
            <div className={classes.name}>
              {isDesktop ? null : <img src="/icon.svg" alt="" />}
              <span className="cut">{connection.name}</span>
            </div>
            <ConnectionState connection={connection} />
          </>
        )}
      </div>
      <ul className={classes.list}>
        {sections.map((section, index) => {
          const isHere =
            section.path === '/' ? here === '/' : here === section.path || here.startsWith(`${section.path}/`);
          const breaks = index > 0 && sections[index - 1]?.group !== section.group;
          const link = (
            <GoTo
              to={section.path}
              className={classes.link}
              aria-current={isHere ? 'page' : undefined}
              onClick={isDrawn ? closeSections : undefined}
            >
              <section.Icon size={17} stroke={1.6} />
              <span className={classes.label}>{section.label}</span>
              {section.count ? <Count counter={section.count} /> : null}
            </GoTo>
          );
          return (
            <li key={section.id} data-breaks={breaks || undefined}>
              {isFolded ? (
                <Tooltip label={section.label} position="right">
                  {link}
                </Tooltip>
              ) : (
                link
              )}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** The numbers beside a section; left out while they are unknown or when the caller may not read them. */
function Count({ counter: { op, input, of } }: { counter: Counter }) {
  const me = useMe();
  const { data } = useRead(op, input as never, {
    staleTime: 60_000,
    enabled: me !== undefined && lackFor(op, me) === undefined,
  });
  if (data === undefined) return null;
  const { count, alert } = of(data);
  return (
    <>
      {alert ? (
        <span className={classes.alert} title={alert.title}>
          ▲{alert.count}
        </span>
      ) : null}
      {count !== undefined ? <span className={classes.count}>{count}</span> : null}
    </>
  );
}
