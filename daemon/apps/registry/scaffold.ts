import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, writeNewFile } from '#shared/files/atomic-file.ts';
import { samplePages } from './samples.ts';

const NEW = /^\.new-(?<name>[a-z0-9-]+)-[0-9a-f]{8}$/;

export interface Scaffold {
  /** The app's stored secrets, by name; none unless given. */
  secrets?: Readonly<Record<string, string>>;
  /** Writes the app's new id into its files, before `commit`. */
  settle?(id: number): void | Promise<void>;
  /** Moves the finished directory to its place. */
  commit(): Promise<void>;
  /** Removes what this scaffold made, nothing else. */
  discard(): Promise<void>;
}

/**
 * Builds an app's directory under a temporary name beside its place: `config.yaml`, `app.db`, `recordings/`,
 * `snapshots/`, `samples/`. Nothing of an existing directory is ever touched.
 */
export async function scaffoldApp(
  appsDir: string,
  name: string,
  files: { config?: string; database: Buffer },
): Promise<Scaffold> {
  const temporary = path.join(appsDir, `.new-${name}-${randomBytes(4).toString('hex')}`);
  const discard = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    await mkdir(temporary, { mode: 0o700 });
    await Promise.all(
      ['recordings', 'snapshots', 'samples'].map((folder) => mkdir(path.join(temporary, folder), { mode: 0o700 })),
    );
    await Promise.all([
      ...(files.config === undefined ? [] : [writeNewFile(path.join(temporary, 'config.yaml'), files.config)]),
      writeNewFile(path.join(temporary, 'app.db'), files.database),
      ...Object.entries(samplePages(name)).map(([file, html]) =>
        writeFile(path.join(temporary, 'samples', file), html),
      ),
    ]);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    discard,
    commit: async () => {
      await rename(temporary, path.join(appsDir, name));
      await syncFolder(appsDir);
    },
  };
}

/**
 * Finishes what a kill interrupted: a built directory whose app is registered moves to its place, any other is removed.
 * @returns names of apps whose directory was recovered
 */
export async function recoverScaffolds(appsDir: string, isRegistered: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(appsDir);
  const present = new Set(entries);
  const recovered: string[] = [];
  for (const entry of entries) {
    const name = NEW.exec(entry)?.groups?.['name'];
    if (name === undefined) continue;
    if (isRegistered(name) && !present.has(name)) {
      await rename(path.join(appsDir, entry), path.join(appsDir, name));
      recovered.push(name);
    } else await rm(path.join(appsDir, entry), { recursive: true, force: true });
  }
  return recovered;
}
