import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'vite';

/**
 * The renderer imports the operations of `shared/contract` for their types and addresses. This keeps what it needs at
 * run time (id, method, path, access) and leaves the schemas, which the daemon checks, out of the bundle.
 */
export function slimContract(root: string): Plugin {
  const folder = path.join(root, 'shared', 'contract') + path.sep;
  return {
    name: 'streamhub:slim-contract',
    enforce: 'pre',
    async load(id) {
      const file = id.split('?', 1)[0] ?? id;
      if (!file.startsWith(folder) || !file.endsWith('.ts') || /[\\/](index|operation)\.ts$/.test(file)) return null;
      const module = (await import(`${pathToFileURL(file).href}?t=${Date.now()}`)) as Record<string, unknown>;
      return Object.entries(module)
        .filter(([, value]) => isOperation(value))
        .map(([name, value]) => `export const ${name} = ${JSON.stringify(slim(value as Slim))};`)
        .join('\n');
    },
  };
}

interface Slim {
  id: string;
  method: string;
  path: string;
  root?: boolean;
  access: unknown;
  produces?: string;
}

const isOperation = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'access' in value;

const slim = ({ id, method, path: route, root, access, produces }: Slim): Slim => ({
  id,
  method,
  path: route,
  access,
  ...(root ? { root } : {}),
  ...(produces ? { produces } : {}),
});
