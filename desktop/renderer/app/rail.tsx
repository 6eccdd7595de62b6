import { Tooltip } from '@mantine/core';
import { IconPlus, IconSettings, IconStack2 } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import { useConnections } from '../daemon/connections.ts';
import { connectionTone, connectionWord } from '../features/daemons/connection-state.tsx';
import { initials } from '../features/daemons/initials.ts';
import { Shape } from '../ui/feedback/state.tsx';
import classes from './rail.module.css';

/** All daemons, then one tile for each: initials, its own colour, its state as shape and colour. */
export function Rail() {
  const list = useConnections((state) => state.list);
  const pathname = useLocation({ select: (location) => location.pathname });
  return (
    <nav className={classes.rail} aria-label="Daemons">
      <Tooltip label="All daemons" position="right">
        <Link
          to="/"
          className={classes.tile}
          data-plain
          aria-label="All daemons"
          aria-current={pathname === '/' ? 'page' : undefined}
        >
          <IconStack2 size={20} stroke={1.6} />
        </Link>
      </Tooltip>
      <div className={classes.tiles}>
        {list.map(({ id, name, colour, state }) => (
          <Tooltip key={id} label={`${name}: ${connectionWord(state.status)}`} position="right">
            <Link
              to={`/d/${id}` as '/'}
              className={classes.tile}
              style={{ ['--own' as string]: colour }}
              // the letters on the tile are part of its name, for who speaks to the screen
              aria-label={`${initials(name)} ${name}, ${connectionWord(state.status)}`}
              aria-current={pathname.startsWith(`/d/${id}`) ? 'page' : undefined}
            >
              <span aria-hidden>{initials(name)}</span>
              <span className={classes.state} aria-hidden>
                <Shape tone={connectionTone(state.status)} />
              </span>
            </Link>
          </Tooltip>
        ))}
        <Tooltip label="Add a daemon" position="right">
          <Link
            to={'/add' as '/'}
            className={classes.tile}
            data-plain
            aria-label="Add a daemon"
            aria-current={pathname === '/add' ? 'page' : undefined}
          >
            <IconPlus size={20} stroke={1.6} />
          </Link>
        </Tooltip>
      </div>
      <Tooltip label="Settings of this app" position="right">
        <Link
          to={'/preferences' as '/'}
          className={classes.tile}
          data-plain
          aria-label="Settings of this app"
          aria-current={pathname === '/preferences' ? 'page' : undefined}
        >
          <IconSettings size={20} stroke={1.6} />
        </Link>
      </Tooltip>
    </nav>
  );
}
