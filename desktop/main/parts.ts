import type { WindowState } from '#shared/ipc/desktop.ts';
import type { ConnectionTests } from './connections/connection-tests.ts';
import type { Connections } from './connections/connections.ts';
import type { Requests } from './connections/requests.ts';
import type { Streams } from './connections/streams.ts';
import type { LocalDaemon } from './local-daemon/local-daemon.ts';
import type { PreferenceStore } from './preferences.ts';
import type { KeychainWatch } from './secrets/keychain-watch.ts';
import type { Commands } from './shell/commands.ts';
import type { OverallHealth } from './shell/health.ts';
import type { Notice, Notices } from './shell/notices.ts';
import type { Terminals } from './terminal/terminals.ts';

/** What only the system around the core can do: Electron in the app, a stand-in on a machine without a screen. */
export interface Shell {
  versions: { app: string; electron: string | null; chrome: string | null };
  window(): WindowState;
  openExternal(url: string): Promise<void>;
  copyText(text: string): void;
  /** Asks for a place to write to. @returns null when the person chose none */
  chooseFile(suggestedName: string): Promise<string | null>;
  notify(notice: Notice): void;
  applyTheme(theme: 'system' | 'light' | 'dark'): void;
  /** The list of daemons or how they are has changed: menus and tray may want to follow. */
  healthChanged(health: OverallHealth): void;
}

/** The parts of the app that a call from the window can reach. */
export interface Parts {
  readonly connections: Connections;
  readonly requests: Requests;
  readonly streams: Streams;
  readonly tests: ConnectionTests;
  readonly keychain: KeychainWatch;
  readonly terminals: Terminals;
  readonly localDaemon: LocalDaemon;
  readonly preferences: PreferenceStore;
  readonly commands: Commands;
  readonly notices: Notices;
  readonly shell: Shell;
  /** Folder of this app's own files. */
  readonly userData: string;
}
