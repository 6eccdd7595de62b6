import { type ReactNode, useEffect } from 'react';
import { useMaybeDaemon } from '../../daemon/daemon-context.tsx';
import { type Crumb, setCrumbs } from './crumbs.ts';
import classes from './page.module.css';

/** A screen: its title moves to the top bar, its body scrolls unless it `fills` the window. */
export function Page({
  title,
  crumbs = [],
  subtitle,
  actions,
  children,
  fill = false,
  wide = true,
}: {
  title: string;
  /** What is before the title in the top bar. */
  crumbs?: readonly Crumb[];
  subtitle?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  fill?: boolean;
  wide?: boolean;
}) {
  const daemon = useMaybeDaemon();
  const trail = JSON.stringify([...crumbs, { label: title }]);
  useEffect(() => {
    setCrumbs(JSON.parse(trail) as Crumb[]);
  }, [trail]);
  const place = daemon?.connection.name;
  useEffect(() => {
    document.title = `${title} · ${place ?? 'StreamHub'}`;
  }, [title, place]);
  return (
    <div className={classes.page} data-fill={fill || undefined} data-narrow={!wide || undefined}>
      <header className={classes.head}>
        <div className={classes.titles}>
          <h1 className={classes.title}>{title}</h1>
          {subtitle ? <div className={classes.subtitle}>{subtitle}</div> : null}
        </div>
        {actions ? <div className={classes.actions}>{actions}</div> : null}
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a separate heading. */
export function Panel({
  title,
  note,
  actions,
  children,
  flush = false,
}: {
  title?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** The content reaches the borders, as a table does. */
  flush?: boolean;
}) {
  return (
    <section className={classes.panel} data-flush={flush || undefined}>
      {title ? (
        <header className={classes.panelHead}>
          <h2>{title}</h2>
          {note ? <div className={classes.note}>{note}</div> : null}
          {actions ? <div className={classes.actions}>{actions}</div> : null}
        </header>
      ) : null}
      <div className={classes.panelBody}>{children}</div>
    </section>
  );
}

/** The place of a table that takes the rest of the page. */
export function TablePanel({ children }: { children: ReactNode }) {
  return <div className={classes.table}>{children}</div>;
}

/** A row of filters and actions above a list. */
export function Toolbar({ children }: { children: ReactNode }) {
  return <div className={classes.toolbar}>{children}</div>;
}

/** Names and values, one per line; undefined values are left out. */
export function Facts({ items }: { items: Readonly<Record<string, ReactNode>> }) {
  return (
    <dl className={classes.facts}>
      {Object.entries(items).map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
