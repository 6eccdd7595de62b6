import { type FSWatcher, watch } from 'node:fs';
import { CONFIG_NAME } from './config-file.ts';

/**
 * Tells when an app's config file may have changed. Watches the folder, because editors replace the file.
 * @param onChange called at every event, so keep it cheap; `isWatching` turns false when the system gives no more
 */
export class ConfigWatch {
  #watcher: FSWatcher | undefined;

  constructor(dir: string, onChange: () => void) {
    try {
      this.#watcher = watch(dir, { persistent: false }, (_event, name) => {
        // mounted configs are swapped through links that begin with ..
        if (name === null || name === CONFIG_NAME || name.startsWith('..')) onChange();
      });
      this.#watcher.on('error', () => {
        this.close();
        onChange();
      });
    } catch {
      this.#watcher = undefined;
    }
  }

  get isWatching(): boolean {
    return this.#watcher !== undefined;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
