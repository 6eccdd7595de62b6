import path from 'node:path';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import type { WindowState } from '#shared/ipc/desktop.ts';
import { nullable } from '#shared/schema/common.ts';
import { JsonFile } from '../files/json-file.ts';
import { APP_ORIGIN } from '../shell/security.ts';
import { boundsFor, MINIMUM, SavedWindow } from '../shell/window-bounds.ts';

export interface MainWindowOptions {
  userData: string;
  preload: string;
  icon: string;
  /** Address of the development server, where there is one. */
  development: string | undefined;
  onState(state: WindowState): void;
  /** The page is gone or being loaded again. */
  onGone(): void;
  /** May the window be hidden instead of closed? */
  hidesOnClose(): boolean;
}

const SAVE_MS = 500;

/** The one window of the app: opened where it was, hidden or closed, opened again. */
export class MainWindow {
  readonly #options: MainWindowOptions;
  readonly #file: JsonFile<SavedWindow | null>;
  #window: BrowserWindow | undefined;
  #saving: NodeJS.Timeout | undefined;
  #isQuitting = false;

  constructor(options: MainWindowOptions) {
    this.#options = options;
    this.#file = new JsonFile({
      file: path.join(options.userData, 'window.json'),
      version: 1,
      schema: nullable(SavedWindow),
      empty: () => null,
    });
  }

  get state(): WindowState {
    const window = this.#window;
    return {
      focused: window?.isFocused() ?? false,
      visible: window?.isVisible() ?? false,
      maximized: window?.isMaximized() ?? false,
      fullScreen: window?.isFullScreen() ?? false,
    };
  }

  get window(): BrowserWindow | undefined {
    return this.#window;
  }

  /** From here on closing closes. */
  quitting(): void {
    this.#isQuitting = true;
  }

  async show(): Promise<void> {
    if (this.#window === undefined) await this.#open();
    const window = this.#window;
    if (window === undefined) return;
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  async #open(): Promise<void> {
    const { preload, icon, development, onState, onGone, hidesOnClose } = this.#options;
    const { value: saved } = await this.#file.read();
    if (this.#window !== undefined) return;
    const window = new BrowserWindow({
      ...boundsFor(
        saved,
        screen.getAllDisplays().map(({ workArea }) => workArea),
      ),
      minWidth: MINIMUM.width,
      minHeight: MINIMUM.height,
      show: false,
      title: 'StreamHub',
      icon,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
      webPreferences: {
        preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools: development !== undefined,
      },
    });
    this.#window = window;
    if (saved?.isMaximized) window.maximize();
    if (saved?.isFullScreen) window.setFullScreen(true);
    const changed = (): void => {
      onState(this.state);
      this.#saving ??= setTimeout(() => this.#save(), SAVE_MS);
    };
    window.on('focus', changed).on('blur', changed).on('show', changed).on('hide', changed);
    window.on('resize', changed).on('move', changed).on('maximize', changed).on('unmaximize', changed);
    window.on('enter-full-screen', changed).on('leave-full-screen', changed);
    window.on('close', (event) => {
      this.#save();
      if (this.#isQuitting || !hidesOnClose()) return;
      event.preventDefault();
      window.hide();
    });
    window.on('closed', () => {
      this.#window = undefined;
      onGone();
    });
    window.webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) onGone();
    });
    window.webContents.on('render-process-gone', (_event, { reason }) => {
      onGone();
      if (reason !== 'clean-exit' && !this.#isQuitting) window.webContents.reload();
    });
    window.once('ready-to-show', () => window.show());
    await window.loadURL(development ?? `${APP_ORIGIN}/`);
  }

  #save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const window = this.#window;
    if (window === undefined || window.isDestroyed() || window.isMinimized()) return;
    const saved = {
      ...window.getNormalBounds(),
      isMaximized: window.isMaximized(),
      isFullScreen: window.isFullScreen(),
    };
    void this.#file.write(saved).catch(() => {});
  }
}
