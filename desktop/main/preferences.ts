import path from 'node:path';
import { Preferences } from '#shared/ipc/desktop.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { JsonFile } from './files/json-file.ts';

export const DEFAULTS: Preferences = {
  theme: 'system',
  notifyIncidents: true,
  notifyConnectionLost: true,
  // where no tray shows, as on many a Linux desktop, a hidden window would be lost
  closeToTray: process.platform !== 'linux',
  startLocalDaemon: false,
  keepLocalDaemon: false,
};

/** What the person set, kept in a file. */
export class PreferenceStore {
  readonly #file: JsonFile<Preferences>;
  readonly #emit: Emit;
  #now: Preferences = DEFAULTS;

  constructor(folder: string, emit: Emit) {
    this.#emit = emit;
    this.#file = new JsonFile({
      file: path.join(folder, 'preferences.json'),
      version: 2,
      upgrades: {
        1: ({ notifyNodeLost, notifyJobFailed, ...kept }) => ({
          ...kept,
          notifyIncidents: notifyNodeLost === true || notifyJobFailed === true,
        }),
      },
      schema: Preferences,
      empty: () => DEFAULTS,
    });
  }

  async load(): Promise<void> {
    this.#now = (await this.#file.read()).value;
  }

  get(): Preferences {
    return this.#now;
  }

  async set(change: Partial<Preferences>): Promise<Preferences> {
    const next = { ...this.#now, ...change };
    await this.#file.write(next);
    this.#now = next;
    this.#emit('desktop:preferences', next);
    return next;
  }
}
