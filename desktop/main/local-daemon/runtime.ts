import { existsSync } from 'node:fs';
import path from 'node:path';

/** The programs that a daemon on this machine needs. */
export interface Runtime {
  node: string;
  entry: string;
}

const NODE_MAJOR = 24;

/**
 * Looks for a daemon and a Node to run it in the folders given: the app's resources in a package, the clone during
 * development. The desktop app's own program cannot run it: it is locked against running scripts.
 * @returns the runtime, or why there is none
 */
export function findRuntime(
  roots: readonly string[],
  { versions, execPath, platform }: Pick<NodeJS.Process, 'versions' | 'execPath' | 'platform'> = process,
): Runtime | string {
  for (const root of roots) {
    const entry = ['daemon/bin.mjs', 'out/daemon/bin.mjs'].map((file) => path.join(root, file)).find(existsSync);
    if (entry === undefined) continue;
    const bundled = path.join(root, 'node_modules', 'node', 'bin', platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(bundled)) return { node: bundled, entry };
    const isNode = versions['electron'] === undefined && Number(versions.node.split('.')[0]) >= NODE_MAJOR;
    if (isNode) return { node: execPath, entry };
    return `Node ${NODE_MAJOR} is missing next to the daemon in ${root}`;
  }
  return 'this build of the app contains no daemon';
}
