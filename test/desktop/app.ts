import { Core, type CoreOptions } from '#desktop/main/core.ts';
import type { Shell } from '#desktop/main/parts.ts';
import { createBridge } from '#shared/ipc/bridge.ts';
import type { DesktopBridge, IpcPush } from '#shared/ipc/index.ts';
import { type Outcome, unwrap } from '#shared/ipc/outcome.ts';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { BIN, temporaryDir } from '../helpers/daemon.ts';
import { QUICK } from '../helpers/desktop-host.ts';
import { watched } from '../helpers/until.ts';

/** The desktop's core with the page's own bridge on it: what is checked on both sides of the border is checked here too. */
export interface App {
  core: Core;
  page: DesktopBridge;
  userData: string;
  pushes: IpcPush[];
  bugs: unknown[];
  until(condition: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Without a keychain unless `secrets` is given. */
export async function openApp(t: { after(fn: () => unknown): void }, options: Partial<CoreOptions> = {}): Promise<App> {
  const userData = options.userData ?? (await temporaryDir(t));
  const pushes: IpcPush[] = [];
  const bugs: unknown[] = [];
  const { look, until } = watched();
  const listeners = new Map<string, Set<(payload: unknown) => void>>();
  const core = new Core({
    shell: { ...silentShell },
    runtime: { node: process.execPath, entry: BIN },
    secrets: new SecretStore({ env: {}, platform: 'linux' }),
    timing: QUICK,
    onBug: (where, error) => bugs.push([where, error]),
    emit: (channel, payload) => {
      pushes.push(structuredClone({ channel, payload }) as IpcPush);
      for (const listener of listeners.get(channel) ?? []) listener(structuredClone(payload));
      look();
    },
    ...options,
    userData,
  });
  const page = createBridge({
    invoke: async (channel, args) => structuredClone(await core.dispatch(channel, structuredClone(args))),
    listen: (channel, listener) => {
      const heard = listeners.get(channel) ?? new Set();
      listeners.set(channel, heard.add(listener));
      return () => heard.delete(listener);
    },
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= core.stop();
    return stopped;
  };
  t.after(async () => {
    await stop();
    if (bugs.length > 0) throw new Error('faults inside the app', { cause: bugs });
  });
  await core.start();
  return { core, page, userData, pushes, bugs, until, stop };
}

export const value = async <T>(outcome: Promise<Outcome<T>>): Promise<T> => unwrap(await outcome);

/** Code of a call's failure; undefined when it succeeded. */
export async function codeOf(outcome: Promise<Outcome<unknown>>): Promise<string | undefined> {
  const answer = await outcome;
  return answer.ok ? undefined : answer.error.code;
}

const silentShell: Shell = {
  versions: { app: '0.0.0-test', electron: null, chrome: null },
  window: () => ({ focused: true, visible: true, maximized: false, fullScreen: false }),
  openExternal: async () => {},
  copyText: () => {},
  chooseFile: async () => null,
  notify: () => {},
  applyTheme: () => {},
  healthChanged: () => {},
};
