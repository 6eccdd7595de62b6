import type { Area, AreaBridge, AreaHandlers, PayloadOf, Push } from './channel.ts';
import { connections } from './connections.ts';
import { desktop } from './desktop.ts';
import { events } from './events.ts';
import { http } from './http.ts';
import { keychain } from './keychain.ts';
import { localDaemon } from './local-daemon.ts';
import { terminal } from './terminal.ts';

/**
 * Everything that the renderer and the main process of the desktop app say to each other, declared once.
 * The bridge (`bridge.ts`), the main process's dispatcher and the checks on both sides derive from it.
 */
export const ipc = { connections, http, events, keychain, terminal, localDaemon, desktop } satisfies Record<
  string,
  Area
>;

type Ipc = typeof ipc;
type AreaName = keyof Ipc;

/** `window.streamhub` in the desktop app; absent in the web console. */
export type DesktopBridge = { readonly [A in AreaName]: AreaBridge<Ipc[A]> };

/** What the main process provides. */
export type IpcHandlers = { readonly [A in AreaName]: AreaHandlers<Ipc[A]> };

/** A push with its channel's name and payload. */
export type IpcPush = {
  [A in AreaName]: {
    [P in keyof Ipc[A]['pushes'] & string]: {
      channel: `${A}:${P}`;
      payload: Ipc[A]['pushes'][P] extends infer D extends Push ? PayloadOf<D> : never;
    };
  }[keyof Ipc[A]['pushes'] & string];
}[AreaName];

/** How the main process tells all windows something. */
export type Emit = <C extends IpcPush['channel']>(
  channel: C,
  payload: Extract<IpcPush, { channel: C }>['payload'],
) => void;
