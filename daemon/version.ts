import { existsSync, readFileSync } from 'node:fs';

/** Version of the package, read from the nearest package.json above this module. */
export const VERSION: string = (() => {
  for (const up of ['../package.json', '../../package.json']) {
    const file = new URL(up, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return '0.0.0';
})();
