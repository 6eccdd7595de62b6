import { useMantineColorScheme } from '@mantine/core';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { ShellCommand } from '#shared/ipc/desktop.ts';
import { queryClient } from '../api/query.ts';
import { bridge } from '../host/host.ts';
import { openPalette } from '../ui/palette/palette-store.ts';
import { showHelp } from './keyboard.tsx';

/** Does what the menu, the tray, a notification or a link asks for; takes the theme from the app's settings. */
export function HostCommands() {
  const navigate = useNavigate();
  const router = useRouter();
  const { setColorScheme } = useMantineColorScheme();
  const run = useRef<(command: ShellCommand) => void>(undefined);
  run.current = (command) => {
    if (command.kind === 'navigate') {
      const base = command.connectionId === null ? '' : `/d/${command.connectionId}`;
      // pushed unparsed, because the path may have a query
      router.history.push(command.path === '/' ? base || '/' : base + command.path);
    } else if (command.kind === 'add-connection') {
      void navigate({ to: '/add' as '/', search: (command.url ? { url: command.url } : {}) as never });
    } else if (command.kind === 'palette') openPalette();
    else if (command.kind === 'shortcuts') showHelp();
    else if (command.kind === 'settings') void navigate({ to: '/preferences' as '/' });
    else if (command.kind === 'all-daemons') void navigate({ to: '/' });
    else void queryClient.invalidateQueries();
  };
  const scheme = useRef(setColorScheme);
  scheme.current = setColorScheme;
  useEffect(() => {
    const native = bridge().desktop?.desktop;
    if (native === undefined) return;
    const follow = (theme: 'system' | 'light' | 'dark'): void => scheme.current(theme === 'system' ? 'auto' : theme);
    const ends = [
      native.onCommand((command) => run.current?.(command)),
      native.onPreferences(({ theme }) => follow(theme)),
    ];
    void native.preferences().then((outcome) => {
      if (outcome.ok) follow(outcome.value.theme);
    });
    void native.ready().then((outcome) => {
      if (outcome.ok) for (const command of outcome.value) run.current?.(command);
    });
    return () => {
      for (const end of ends) end();
    };
  }, []);
  return null;
}
