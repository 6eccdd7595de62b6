/**
 * What the desktop's adapters take from Electron, on a machine without its binary: it records what it is asked for and
 * lets a test play the system's part. Values cross its IPC as clones, as in Electron. It shows that the adapters are
 * wired as meant; that Electron keeps its own word is for test/desktop/electron.test.ts.
 */
import { EventEmitter } from 'node:events';
import { registerHooks } from 'node:module';

type Handler = (...args: never[]) => unknown;
type Call = [what: string, ...args: unknown[]];

/** Everything that was asked of Electron, in order. */
export const calls: Call[] = [];
const note = (what: string, ...args: unknown[]): void => void calls.push([what, ...args]);
/** What the newest call of that name was given. */
export const asked = (what: string): unknown[] | undefined => calls.findLast(([name]) => name === what)?.slice(1);

/** An event that can be prevented. */
export class SystemEvent {
  defaultPrevented = false;
  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

export const places = { app: '', userData: '' };
const ready = Promise.withResolvers<void>();

class App extends EventEmitter {
  isPackaged = false;
  #isReady = false;
  requestSingleInstanceLock = (): boolean => true;
  getAppPath = (): string => places.app;
  getPath = (name: string): string => (name === 'userData' ? places.userData : places.app);
  getVersion = (): string => '0.0.0-test';
  isReady = (): boolean => this.#isReady;
  whenReady = (): Promise<void> => ready.promise;
  setAsDefaultProtocolClient = (scheme: string): void => note('setAsDefaultProtocolClient', scheme);
  setAppUserModelId = (id: string): void => note('setAppUserModelId', id);
  /** Asks as Electron does: each listener may prevent it. */
  quit = (): void => {
    const event = new SystemEvent();
    this.emit('before-quit', event);
    if (!event.defaultPrevented) note('ended');
  };
  becomeReady(): void {
    this.#isReady = true;
    ready.resolve();
  }
}
export const app = new App();

class WebContents extends EventEmitter {
  openHandler: ((details: { url: string }) => { action: string }) | undefined;
  mainFrame = { url: 'app://streamhub/', parent: null };
  isDestroyed = (): boolean => false;
  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.openHandler = handler;
  }
  send(channel: string, ...args: unknown[]): void {
    ipcRenderer.emit(channel, new SystemEvent(), ...args.map((arg) => structuredClone(arg)));
  }
  reload = (): void => note('reload');
}

export class BrowserWindow extends EventEmitter {
  static all: BrowserWindow[] = [];
  static getAllWindows = (): BrowserWindow[] => BrowserWindow.all;
  readonly webContents = new WebContents();
  readonly options: Record<string, unknown> & { webPreferences: Record<string, unknown> };
  bounds = { x: 10, y: 20, width: 1000, height: 700 };
  isShown = false;
  constructor(options: never) {
    super();
    this.options = options;
    BrowserWindow.all.push(this);
    app.emit('web-contents-created', new SystemEvent(), this.webContents);
  }
  async loadURL(url: string): Promise<void> {
    note('loadURL', url);
    this.emit('ready-to-show');
  }
  /** As the person presses the window's cross. */
  close(): boolean {
    const event = new SystemEvent();
    this.emit('close', event);
    if (event.defaultPrevented) return false;
    BrowserWindow.all = BrowserWindow.all.filter((one) => one !== this);
    this.emit('closed');
    return true;
  }
  show = (): void => void (this.isShown = true);
  hide = (): void => void (this.isShown = false);
  focus = (): void => {};
  restore = (): void => {};
  maximize = (): void => {};
  setFullScreen = (): void => {};
  isVisible = (): boolean => this.isShown;
  isFocused = (): boolean => this.isShown;
  isMaximized = (): boolean => false;
  isMinimized = (): boolean => false;
  isFullScreen = (): boolean => false;
  isDestroyed = (): boolean => false;
  getNormalBounds = () => this.bounds;
}

/** What a page asks moves to `ipcMain` as from the main frame of the newest window. */
export const ipcMain = {
  handlers: new Map<string, Handler>(),
  handle(channel: string, handler: Handler): void {
    this.handlers.set(channel, handler);
  },
  async from(
    senderFrame: { url: string; parent: unknown } | null,
    channel: string,
    ...args: unknown[]
  ): Promise<unknown> {
    const answer = await this.handlers.get(channel)?.({ senderFrame } as never, ...(structuredClone(args) as never[]));
    return structuredClone(answer);
  },
};

class IpcRenderer extends EventEmitter {
  invoke = (channel: string, ...args: unknown[]): Promise<unknown> =>
    ipcMain.from(BrowserWindow.all.at(-1)?.webContents.mainFrame ?? null, channel, ...args);
}
export const ipcRenderer = new IpcRenderer();

/** What the preload script shows to the page. */
export const world: Record<string, unknown> = {};
export const contextBridge = {
  exposeInMainWorld: (name: string, value: unknown): void => void (world[name] = value),
};

export const protocol = {
  handlers: new Map<string, (request: Request) => Promise<Response>>(),
  registerSchemesAsPrivileged: (schemes: unknown): void => note('registerSchemesAsPrivileged', schemes, app.isReady()),
  handle(scheme: string, handler: (request: Request) => Promise<Response>): void {
    this.handlers.set(scheme, handler);
  },
};

class Session extends EventEmitter {
  handlers: Record<string, Handler> = {};
  setPermissionRequestHandler = (handler: Handler): void => void (this.handlers['request'] = handler);
  setPermissionCheckHandler = (handler: Handler): void => void (this.handlers['check'] = handler);
  setDevicePermissionHandler = (handler: Handler): void => void (this.handlers['device'] = handler);
}
export const session = { defaultSession: new Session() };

export class Tray extends EventEmitter {
  setImage = (image: unknown): void => note('tray.setImage', image);
  setToolTip = (text: string): void => note('tray.setToolTip', text);
  setContextMenu = (menu: unknown): void => note('tray.setContextMenu', menu);
}

export class Notification extends EventEmitter {
  static isSupported = (): boolean => true;
  constructor(options: unknown) {
    super();
    note('Notification', options, this);
  }
  show = (): void => {};
}

export const Menu = {
  buildFromTemplate: (template: unknown): unknown => template,
  setApplicationMenu: (menu: unknown): void => note('setApplicationMenu', menu),
};
export const nativeImage = { createFromPath: (file: string): string => file };
export const nativeTheme = { themeSource: 'system', shouldUseDarkColors: false };
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };
export const shell = { openExternal: async (url: string): Promise<void> => note('openExternal', url) };
export const clipboard = { writeText: (text: string): void => note('writeText', text) };
export const dialog = { showSaveDialog: async () => ({ canceled: true, filePath: '' }) };
export const powerMonitor = new EventEmitter();

/** From here on `electron` is this module. */
export function standIn(): void {
  registerHooks({
    resolve: (name, context, next) =>
      name === 'electron' ? { url: import.meta.url, shortCircuit: true } : next(name, context),
  });
}
