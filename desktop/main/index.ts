import path from 'node:path';
import { app, clipboard, dialog, Notification, nativeTheme, powerMonitor, shell } from 'electron';
import { Core } from './core.ts';
import { guardEverything } from './electron/guards.ts';
import { answerCalls, tellWindows } from './electron/ipc.ts';
import { Menus } from './electron/menus.ts';
import { registerScheme, serveRenderer } from './electron/protocol.ts';
import { MainWindow } from './electron/window.ts';
import { findRuntime } from './local-daemon/runtime.ts';
import type { Shell } from './parts.ts';
import { LINK_SCHEME, linkIn, readDeepLink } from './shell/deep-link.ts';
import type { MenuAction } from './shell/menus.ts';

const STOP_MS = 30_000;

// one app a person: a second start shows the window of the first and hands its link over
if (app.requestSingleInstanceLock()) run();
else app.quit();

function run(): void {
  const root = app.getAppPath();
  const development = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL'];
  const userData = app.getPath('userData');
  registerScheme();
  // under which Windows shows notifications; the installer's shortcut carries the same
  app.setAppUserModelId('org.streamhub.desktop');

  const act = (action: MenuAction): void => {
    if (action.do === 'quit') app.quit();
    else if (action.do !== 'role') void window.show();
    if (action.do === 'command') core.commands.send(action.command);
  };
  const icons = path.join(root, 'build', 'icons');
  const notifications = new Set<Notification>();
  const menus = new Menus({ icons, isDevelopment: development !== undefined, act });
  const window = new MainWindow({
    userData,
    preload: path.join(root, 'out', 'preload', 'index.cjs'),
    icon: path.join(icons, 'icon.png'),
    development,
    onState: (state) => tellWindows('desktop:window', state),
    onGone: () => core.commands.gone(),
    hidesOnClose: () => menus.hasTray && core.preferences.get().closeToTray,
  });
  const system: Shell = {
    versions: {
      app: app.getVersion(),
      electron: process.versions.electron ?? null,
      chrome: process.versions['chrome'] ?? null,
    },
    window: () => window.state,
    openExternal: (url) => shell.openExternal(url),
    copyText: (text) => clipboard.writeText(text),
    chooseFile: async (suggestedName) => {
      const options = { defaultPath: path.join(app.getPath('downloads'), suggestedName) };
      const parent = window.window;
      const { canceled, filePath } = await (parent
        ? dialog.showSaveDialog(parent, options)
        : dialog.showSaveDialog(options));
      return canceled || filePath === '' ? null : filePath;
    },
    notify: ({ title, body, command }) => {
      if (!Notification.isSupported()) return;
      const shown = new Notification({ title, body, icon: path.join(icons, 'icon.png') });
      // one that nothing holds is collected, and its click with it
      notifications.add(shown);
      const end = (): void => void notifications.delete(shown);
      shown.on('close', end).on('failed', end);
      shown.on('click', () => {
        end();
        act({ do: 'command', command });
      });
      shown.show();
    },
    applyTheme: (theme) => {
      nativeTheme.themeSource = theme;
    },
    healthChanged: (health) => {
      if (app.isReady()) menus.draw(health);
    },
  };
  const core = new Core({
    userData,
    shell: system,
    emit: tellWindows,
    runtime: findRuntime(app.isPackaged ? [path.join(process.resourcesPath, 'streamhub')] : [root]),
    onBug: (where, error) => console.error('streamhub:', where, error),
  });

  app.setAsDefaultProtocolClient(LINK_SCHEME);
  app.on('second-instance', (_event, args) => {
    void window.show();
    const command = linkIn(args);
    if (command !== undefined) core.commands.send(command);
  });
  app.on('open-url', (event, link) => {
    event.preventDefault();
    const command = readDeepLink(link);
    if (command !== undefined) act({ do: 'command', command });
  });
  app.on('activate', () => void window.show());
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin' && !(menus.hasTray && core.preferences.get().closeToTray)) app.quit();
  });
  stopInOrder(core, window);

  void app.whenReady().then(async () => {
    guardEverything(development);
    serveRenderer(path.join(root, 'out', 'renderer'));
    answerCalls(core.dispatch, development);
    await core.start();
    menus.draw(core.health);
    powerMonitor.on('resume', () => core.wake());
    const command = linkIn(process.argv);
    if (command !== undefined) core.commands.send(command);
    await window.show();
  });
}

/** Quitting waits for the core: sessions, files and the local daemon come to rest first, within a limit. */
function stopInOrder(core: Core, window: MainWindow): void {
  let phase: 'running' | 'stopping' | 'stopped' = 'running';
  app.on('before-quit', (event) => {
    window.quitting();
    if (phase === 'stopped') return;
    event.preventDefault();
    if (phase === 'stopping') return;
    phase = 'stopping';
    const limit = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    void Promise.race([core.stop(), limit]).finally(() => {
      phase = 'stopped';
      app.quit();
    });
  });
}
