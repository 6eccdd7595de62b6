import { ActionIcon, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import {
  IconBook,
  IconCheck,
  IconChevronRight,
  IconDevicesOff,
  IconHelp,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconSearch,
  IconSun,
  IconSunMoon,
  IconUser,
} from '@tabler/icons-react';
import { useMeOf } from '../api/rights.ts';
import { signOut, signOutEverywhere } from '../api/session.ts';
import { documentationOf, useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { GoTo, useGo } from '../daemon/links.tsx';
import { bridge } from '../host/host.ts';
import { ask } from '../ui/feedback/confirm.tsx';
import { useCrumbs } from '../ui/layout/crumbs.ts';
import { usePhone, useTouch } from '../ui/layout/device.ts';
import { openPalette } from '../ui/palette/palette-store.ts';
import { isMac } from '../ui/words/keys.ts';
import { showHelp } from './keyboard.tsx';
import { openSections } from './section-list.tsx';
import classes from './top-bar.module.css';
import { Working } from './working.tsx';

/** Where one is, the palette, the theme, and who is signed in. */
export function TopBar() {
  const trail = useCrumbs((state) => state.trail);
  const daemon = useMaybeDaemon();
  const isPhone = usePhone();
  const isTouch = useTouch();
  return (
    <header className={classes.bar}>
      <Working />
      {daemon && isPhone ? (
        <ActionIcon aria-label="Sections" aria-haspopup="dialog" onClick={openSections}>
          <IconMenu2 size={18} />
        </ActionIcon>
      ) : null}
      <nav className={classes.trail} aria-label="Where you are">
        <ol>
          {trail.map((crumb, index) => (
            <li key={`${crumb.label}${crumb.to}`}>
              {index > 0 ? <IconChevronRight size={14} aria-hidden /> : null}
              {crumb.to ? (
                <GoTo to={crumb.to}>{crumb.label}</GoTo>
              ) : (
                <span aria-current={index === trail.length - 1 ? 'page' : undefined}>{crumb.label}</span>
              )}
            </li>
          ))}
        </ol>
      </nav>
      <button
        type="button"
        className={classes.palette}
        aria-label={isPhone ? 'Search or run a command' : undefined}
        onClick={openPalette}
      >
        <IconSearch size={14} aria-hidden />
        <span className={classes.paletteText}>Search or run a command</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <ThemeMenu />
      {isTouch || isPhone || !daemon ? null : (
        <Tooltip label="Documentation">
          <ActionIcon
            component="a"
            aria-label="Documentation"
            href={documentationOf(daemon.connection)}
            target="_blank"
            rel="noreferrer"
          >
            <IconBook size={17} />
          </ActionIcon>
        </Tooltip>
      )}
      {isTouch ? null : (
        <Tooltip label="Keyboard shortcuts (?)">
          <ActionIcon aria-label="Keyboard shortcuts" onClick={showHelp}>
            <IconHelp size={17} />
          </ActionIcon>
        </Tooltip>
      )}
      {daemon ? <PersonMenu id={daemon.id} isSignedIn={daemon.connection.state.status !== 'signed-out'} /> : null}
    </header>
  );
}

function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme('light');
  const Icon = shown === 'dark' ? IconMoon : IconSun;
  const choices = [
    { value: 'light', label: 'Light', Icon: IconSun },
    { value: 'dark', label: 'Dark', Icon: IconMoon },
    { value: 'auto', label: 'System', Icon: IconSunMoon },
  ] as const;
  const choose = (value: 'light' | 'dark' | 'auto'): void => {
    setColorScheme(value);
    void bridge().desktop?.desktop.setPreferences({ theme: value === 'auto' ? 'system' : value });
  };
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label="Light or dark">
          <Icon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ value, label, Icon: Mark }) => (
          <Menu.Item
            key={value}
            leftSection={<Mark size={15} />}
            rightSection={colorScheme === value ? <IconCheck size={14} aria-label="chosen" /> : null}
            onClick={() => choose(value)}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function PersonMenu({ id, isSignedIn }: { id: string; isSignedIn: boolean }) {
  const me = useMeOf(id, isSignedIn);
  const go = useGo();
  if (!isSignedIn) return null;
  const name = me?.email ?? me?.name ?? (me?.via === 'api_token' ? 'API token' : me?.userId);
  return (
    <Menu>
      <Menu.Target>
        <button type="button" className={classes.person} aria-label={`Signed in as ${name ?? '…'}`}>
          <IconUser size={16} aria-hidden />
          <span className={classes.personName}>{name ?? ''}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {me ? (
          <Menu.Label>
            {me.role ?? 'no team'}
            {me.tenantName ? ` of ${me.tenantName}` : ''} · {me.scope} scope
          </Menu.Label>
        ) : null}
        {me && me.via !== 'api_token' ? (
          <Menu.Item leftSection={<IconUser size={15} />} onClick={() => go('/account')}>
            Account
          </Menu.Item>
        ) : null}
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut(id)}>
          Sign out
        </Menu.Item>
        {me && me.via !== 'api_token' ? (
          <Menu.Item
            leftSection={<IconDevicesOff size={15} />}
            onClick={() =>
              ask({
                title: 'Sign out everywhere',
                body: <p>Ends all your sessions, in this browser and on every other device.</p>,
                action: 'Sign out everywhere',
                run: () => signOutEverywhere(id),
              })
            }
          >
            End all sessions…
          </Menu.Item>
        ) : null}
      </Menu.Dropdown>
    </Menu>
  );
}
