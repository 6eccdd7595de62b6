import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * The package's own folder: the nearest one above this module with a package.json. The same in a clone, where modules
 * are TypeScript files, and in the built package, where they are chunks below `out/daemon/`.
 */
export const PACKAGE_ROOT: string = folderAboveWith('package.json');

/** Folder of the bundle, when this is the bundled daemon and not its TypeScript sources: `out/daemon`. */
export const BUNDLE: string | null = import.meta.url.endsWith('.ts') ? null : folderAboveWith('bin.mjs');

/** Folder of the bundled edge agent, beside the bundle. */
export const BUNDLED_EDGE: string = path.join(BUNDLE ?? path.join(PACKAGE_ROOT, 'out', 'daemon'), '..', 'edge');

/** The built-in plugins: compiled beside the bundle, or as they stand in a clone. */
export const BUILT_IN_PLUGINS: string = path.join(BUNDLE ?? PACKAGE_ROOT, 'plugins');

/** The bundle's copy of the plugin SDK, which shares its code with the daemon; null in a clone, where the package's exports count. */
export const BUNDLED_SDK: string | null = BUNDLE === null ? null : path.join(BUNDLE, 'plugin-sdk');

/**
 * Path of a page or template that ships with the code. It is in a folder `assets` beside the code, and the build copies it.
 * @param name path below `daemon/`, with slashes
 */
export const assetPath = (name: string): string =>
  path.join(BUNDLE === null ? path.join(PACKAGE_ROOT, 'daemon') : path.join(BUNDLE, 'assets'), name);

function folderAboveWith(file: string): string {
  let dir = import.meta.dirname;
  while (!existsSync(path.join(dir, file))) {
    const parent = path.dirname(dir);
    if (parent === dir) throw new Error(`the StreamHub package is incomplete: no ${file} above the program`);
    dir = parent;
  }
  return dir;
}
