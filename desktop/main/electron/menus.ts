import path from 'node:path';
import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import type { OverallHealth } from '../shell/health.ts';
import { applicationMenu, type MenuAction, type MenuEntry, trayModel } from '../shell/menus.ts';

export interface MenusOptions {
  /** Folder with the icons. */
  icons: string;
  isDevelopment: boolean;
  act(action: MenuAction): void;
}

/** The native menu and the tray, drawn from their models. */
export class Menus {
  readonly #options: MenusOptions;
  #tray: Tray | undefined;
  #daemons = '';

  constructor(options: MenusOptions) {
    this.#options = options;
  }

  /** A tray that the system refuses is not a reason to fail. */
  get hasTray(): boolean {
    return this.#tray !== undefined;
  }

  draw(health: OverallHealth): void {
    const inOrder = health.daemons.toSorted((a, b) => a.position - b.position);
    const names = JSON.stringify(inOrder.map(({ id, name }) => [id, name]));
    if (names !== this.#daemons) {
      this.#daemons = names;
      const entries = applicationMenu(process.platform, inOrder, this.#options.isDevelopment);
      Menu.setApplicationMenu(Menu.buildFromTemplate(this.#template(entries)));
    }
    const { level, tooltip, entries } = trayModel(health);
    const image = nativeImage.createFromPath(path.join(this.#options.icons, `tray-${level}.png`));
    try {
      if (this.#tray === undefined) {
        this.#tray = new Tray(image);
        this.#tray.on('click', () => this.#options.act({ do: 'show-window' }));
      } else this.#tray.setImage(image);
      this.#tray.setToolTip(tooltip);
      this.#tray.setContextMenu(Menu.buildFromTemplate(this.#template(entries)));
    } catch {
      this.#tray = undefined;
    }
  }

  #template(entries: readonly MenuEntry[]): MenuItemConstructorOptions[] {
    return entries.map((entry): MenuItemConstructorOptions => {
      if (entry.kind === 'separator') return { type: 'separator' };
      if (entry.kind === 'submenu') return { label: entry.label, submenu: this.#template(entry.entries) };
      const { label, accelerator, enabled, action } = entry;
      const look = {
        ...(label === undefined ? {} : { label }),
        ...(accelerator === undefined ? {} : { accelerator }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      if (action.do === 'role')
        return { ...look, role: action.role as NonNullable<MenuItemConstructorOptions['role']> };
      return { ...look, click: () => this.#options.act(action) };
    });
  }
}
