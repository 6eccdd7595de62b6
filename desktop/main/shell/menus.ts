import type { ShellCommand } from '#shared/ipc/desktop.ts';
import type { DaemonHealth, Level, OverallHealth } from './health.ts';

/** What a menu item does: a role of the system, or something this app does. */
export type MenuAction =
  | { do: 'role'; role: string }
  | { do: 'command'; command: ShellCommand }
  | { do: 'show-window' }
  | { do: 'quit' };

export type MenuEntry =
  | { kind: 'separator' }
  | { kind: 'item'; label?: string; accelerator?: string; enabled?: boolean; action: MenuAction }
  | { kind: 'submenu'; label: string; entries: MenuEntry[] };

const separator: MenuEntry = { kind: 'separator' };
const role = (name: string): MenuEntry => ({ kind: 'item', action: { do: 'role', role: name } });
const command = (label: string, what: ShellCommand, accelerator?: string): MenuEntry => ({
  kind: 'item',
  label,
  ...(accelerator === undefined ? {} : { accelerator }),
  action: { do: 'command', command: what },
});

/** Daemons that have a number key. */
const NUMBERED = 9;

/** The application menu. Its keys leave alone what a shell in the terminal needs, Ctrl+R above all. */
export function applicationMenu(
  platform: NodeJS.Platform,
  daemons: readonly DaemonHealth[],
  isDevelopment: boolean,
): MenuEntry[] {
  const isMac = platform === 'darwin';
  const settings = command('Settings…', { kind: 'settings' }, 'CommandOrControl+,');
  const app: MenuEntry[] = isMac
    ? [
        {
          kind: 'submenu',
          label: 'StreamHub',
          entries: [
            role('about'),
            separator,
            settings,
            separator,
            role('services'),
            separator,
            role('hide'),
            role('hideOthers'),
            role('unhide'),
            separator,
            { kind: 'item', label: 'Quit StreamHub', accelerator: 'Command+Q', action: { do: 'quit' } },
          ],
        },
      ]
    : [];
  const file: MenuEntry = {
    kind: 'submenu',
    label: 'File',
    entries: [
      command('Add daemon…', { kind: 'add-connection', url: null }, 'CommandOrControl+Shift+N'),
      separator,
      ...(isMac
        ? [role('close')]
        : [
            settings,
            separator,
            { kind: 'item', label: 'Quit', accelerator: 'Control+Q', action: { do: 'quit' } } as const,
          ]),
    ],
  };
  const edit: MenuEntry = {
    kind: 'submenu',
    label: 'Edit',
    entries: [role('undo'), role('redo'), separator, role('cut'), role('copy'), role('paste'), role('selectAll')],
  };
  const view: MenuEntry = {
    kind: 'submenu',
    label: 'View',
    entries: [
      command('Command palette…', { kind: 'palette' }),
      command('Read everything again', { kind: 'reload-data' }, 'F5'),
      separator,
      role('resetZoom'),
      role('zoomIn'),
      role('zoomOut'),
      separator,
      role('togglefullscreen'),
      ...(isDevelopment ? [separator, role('toggleDevTools')] : []),
    ],
  };
  const go: MenuEntry = {
    kind: 'submenu',
    label: 'Daemons',
    entries: [
      command('All daemons', { kind: 'all-daemons' }),
      ...(daemons.length > 0 ? [separator] : []),
      ...daemons.map(({ id, name }, index) =>
        command(
          shortened(name),
          { kind: 'navigate', path: '/', connectionId: id },
          index < NUMBERED ? `CommandOrControl+${index + 1}` : undefined,
        ),
      ),
    ],
  };
  const help: MenuEntry = {
    kind: 'submenu',
    label: 'Help',
    entries: [command('Keyboard shortcuts', { kind: 'shortcuts' }), ...(isMac ? [] : [separator, role('about')])],
  };
  const window: MenuEntry = {
    kind: 'submenu',
    label: 'Window',
    entries: [role('minimize'), role('zoom'), separator, role('front')],
  };
  return [...app, file, edit, view, go, ...(isMac ? [window] : []), help];
}

const MARKS: Record<Level, string> = { none: '○', ok: '●', attention: '▲', trouble: '✕' };

export interface TrayModel {
  level: Level;
  tooltip: string;
  entries: MenuEntry[];
}

/** The tray's icon, its tooltip and its menu: how everything is, and the way there. */
export function trayModel({ level, text, daemons }: OverallHealth): TrayModel {
  return {
    level,
    tooltip: `StreamHub: ${text}`,
    entries: [
      { kind: 'item', label: text, enabled: false, action: { do: 'show-window' } },
      separator,
      ...daemons.map(
        ({ id, name, level: own, text: state }): MenuEntry =>
          command(`${MARKS[own]} ${shortened(name)}: ${shortened(state, 100)}`, {
            kind: 'navigate',
            path: '/',
            connectionId: id,
          }),
      ),
      ...(daemons.length > 0 ? [separator] : []),
      { kind: 'item', label: 'Open StreamHub', action: { do: 'show-window' } },
      { kind: 'item', label: 'Quit', action: { do: 'quit' } },
    ],
  };
}

const MAX_LABEL = 40;

/** Names may be 320 characters long, and `&` marks an access key in a menu. */
function shortened(words: string, max = MAX_LABEL): string {
  const text = words.length > max ? `${words.slice(0, max - 1)}…` : words;
  return text.replaceAll('&', '&&');
}
