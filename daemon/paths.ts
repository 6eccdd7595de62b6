import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * The package's own folder: the nearest one above this module with a package.json. The same in a clone, where modules
 * are TypeScript files, and in the built package, where they are chunks below `out/daemon/`.
 */
export const PACKAGE_ROOT: string = (() => {
  let dir = import.meta.dirname;
  while (!existsSync(path.join(dir, 'package.json'))) {
    const parent = path.dirname(dir);
    if (parent === dir) throw new Error('the StreamHub package is incomplete: no package.json above the program');
    dir = parent;
  }
  return dir;
})();
