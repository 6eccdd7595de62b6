import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'vite';
import { plainOperation } from '../../../shared/client/plain-operation.ts';
import type { Operation } from '../../../shared/contract/operation.ts';

/**
 * The renderer imports the operations of `shared/contract` for their types and addresses. This keeps what it needs at
 * run time (what the client needs to call them, and the access) and leaves the schemas, which the daemon checks, out of
 * the bundle.
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
        .map(([name, value]) => `export const ${name} = ${JSON.stringify(slim(value as Operation))};`)
        .join('\n');
    },
  };
}

const isOperation = (value: unknown): value is Operation =>
  typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'access' in value;

const slim = (op: Operation) => ({ ...plainOperation(op), access: op.access });
