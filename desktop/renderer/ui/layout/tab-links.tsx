import type { ReactNode } from 'react';
import { GoTo } from '../../daemon/links.tsx';
import { useSideScroll } from './side-scroll.ts';
import classes from './tab-links.module.css';

export interface TabLink {
  id: string;
  label: string;
  to: string;
  mark?: ReactNode;
}

/** The parts of a page, each with a separate address. */
export function TabLinks({
  tabs,
  current,
  label,
}: {
  tabs: readonly TabLink[];
  current: string | undefined;
  label: string;
}) {
  const nav = useSideScroll<HTMLElement>(current);
  return (
    <nav ref={nav} className={classes.tabs} aria-label={label}>
      {tabs.map((tab) => (
        <GoTo key={tab.id} to={tab.to} aria-current={tab.id === current ? 'page' : undefined}>
          {tab.label}
          {tab.mark}
        </GoTo>
      ))}
    </nav>
  );
}
