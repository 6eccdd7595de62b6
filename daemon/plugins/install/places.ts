import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '#daemon/platform/log.ts';
import { syncFolder } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { PluginRoot } from '../records.ts';

/** Folders beside the plugins in which a change is prepared; the daemon sees no plugin in them. */
const STAGE = /^\.add-[0-9a-f]{12}$/;
/** Where the version before the last change of each plugin is kept: `.previous/<id>/<name>`. */
const PREVIOUS = '.previous';
/** A folder in which nothing was replaced is somebody's work in progress, unless it is as old as this; milliseconds. */
const ABANDONED_AFTER = 3_600_000;

/** Of a plugin that is one preset file. */
export const PRESET_ENDING = /\.(?:ya?ml|json)$/i;

/** A plugin that is ready to be put in its place. */
export interface PreparedPlugin {
  id: string;
  /** The prepared folder or preset file, somewhere in the stage. */
  prepared: string;
  /** Name of its folder or file beside the other plugins. */
  name: string;
  /** Name of the one that it replaces; null = it is new. */
  old: string | null;
}

/**
 * The name of a plugin beside the others: a folder keeps its name as long as it is a folder.
 * @param file name of a preset file, which it keeps; null = it is a folder
 * @param old name of what it replaces
 */
export function nameOf(id: string, file: string | null, old: string | null): string {
  if (file !== null) return file;
  return old === null || PRESET_ENDING.test(old) ? id : old;
}

/** Makes a folder in which a plugin is prepared. It is on the same disk as the plugins, so that one rename moves it. */
export async function newStage(plugins: string): Promise<string> {
  const stage = path.join(plugins, `.add-${randomBytes(6).toString('hex')}`);
  await makeFolder(stage);
  return stage;
}

/**
 * Puts a prepared plugin in the place of another one, and keeps that one for a rollback. Two renames matter: after the
 * first the old one is in the stage as `old/<id>/<name>` and the new one as `ready/<name>`, from which
 * `finishReplacements` can tell what was meant.
 */
export async function putPlugin(stage: string, { id, prepared, name, old }: PreparedPlugin): Promise<void> {
  const plugins = path.dirname(stage);
  const target = path.join(plugins, name);
  const ready = path.join(stage, 'ready', name);
  await mkdir(path.dirname(ready), { mode: 0o700 });
  await rename(prepared, ready);
  if (old !== null) {
    const kept = path.join(stage, 'old', id);
    await makeFolder(kept);
    await rename(path.join(plugins, old), path.join(kept, old));
  }
  // where a daemon has started or reloaded just now, it has finished this already
  await rename(ready, target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || old === null || !(await isThere(target))) throw error;
  });
  await keepOld(stage);
  await syncFolder(plugins);
}

/** Takes a plugin away with one rename, and forgets its version before. */
export async function takePlugin(stage: string, { id, name }: { id: string; name: string }): Promise<void> {
  const plugins = path.dirname(stage);
  await rename(path.join(plugins, PREVIOUS, id), path.join(stage, 'before')).catch(unlessMissing(undefined));
  await mkdir(path.join(stage, 'gone'), { mode: 0o700 });
  await rename(path.join(plugins, name), path.join(stage, 'gone', name));
  await syncFolder(plugins);
}

/** Folder or file of the version before the last change; undefined = none is kept. */
export async function previousOf(plugins: string, id: string): Promise<string | undefined> {
  const folder = path.join(plugins, PREVIOUS, id);
  const name = await firstIn(folder);
  return name === undefined ? undefined : path.join(folder, name);
}

/**
 * Finishes replacements that broke off between their renames: the new plugin was checked and whole by then. Folders
 * that a broken-off change left before that are removed once they are old.
 * @returns names of the plugins that were put in place
 */
export async function finishReplacements(plugins: string, now = Date.now()): Promise<string[]> {
  const finished: string[] = [];
  const names = await readdir(plugins).catch(unlessMissing([] as string[]));
  for (const name of names.filter((entry) => STAGE.test(entry))) {
    const stage = path.join(plugins, name);
    if (await isReplaced(stage)) {
      const ready = await firstIn(path.join(stage, 'ready'));
      if (ready !== undefined) {
        const target = path.join(plugins, ready);
        // what was put there since then stays
        if (!(await isThere(target))) {
          await rename(path.join(stage, 'ready', ready), target).then(() => finished.push(ready), unlessMissing(0));
        }
      }
      await keepOld(stage);
      await syncFolder(plugins);
    } else if ((await firstIn(path.join(stage, 'gone'))) === undefined) {
      const info = await stat(stage).catch(unlessMissing(undefined));
      if (info === undefined || now - info.mtimeMs < ABANDONED_AFTER) continue;
    }
    await rm(stage, { recursive: true, force: true });
  }
  return finished;
}

/** Finishes what a change left half done in the places of installed plugins. Never throws: what cannot be finished is said. */
export async function finishReplacementsIn(roots: readonly PluginRoot[], log: Log<'warn'>): Promise<void> {
  for (const { dir, origin } of roots) {
    if (origin === 'built-in') continue;
    try {
      const plugins = await finishReplacements(dir);
      if (plugins.length > 0) log.warn({ plugins }, 'finished an interrupted replacement of plugins');
    } catch (err) {
      log.warn({ err }, 'an interrupted replacement of a plugin could not be finished');
    }
  }
}

/** Keeps the replaced plugin of a stage as the version before; the one that was kept until now is deleted with the stage. */
async function keepOld(stage: string): Promise<void> {
  const id = await firstIn(path.join(stage, 'old'));
  if (id === undefined) return;
  const previous = path.join(path.dirname(stage), PREVIOUS);
  await makeFolder(previous);
  await rename(path.join(previous, id), path.join(stage, 'before')).catch(unlessMissing(undefined));
  await rename(path.join(stage, 'old', id), path.join(previous, id)).catch(unlessMissing(undefined));
}

/** Has the old plugin been moved into the stage? */
async function isReplaced(stage: string): Promise<boolean> {
  const id = await firstIn(path.join(stage, 'old'));
  return id !== undefined && (await firstIn(path.join(stage, 'old', id))) !== undefined;
}

const firstIn = async (folder: string): Promise<string | undefined> =>
  (await readdir(folder).catch(unlessMissing([] as string[])))[0];

const isThere = (place: string): Promise<boolean> => stat(place).then(() => true, unlessMissing(false));

const unlessMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
