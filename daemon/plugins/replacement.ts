import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '#daemon/platform/log.ts';
import { syncFolder } from '#shared/files/atomic-file.ts';
import type { PluginRoot } from './records.ts';

/** Folders beside the plugins in which `plugin add` prepares one; the daemon sees no plugin in them. */
const STAGE = /^\.add-[0-9a-f]{12}$/;
/** A folder in which nothing was replaced is somebody's work in progress, unless it is as old as this; milliseconds. */
const ABANDONED_AFTER = 3_600_000;

/**
 * Puts a prepared plugin in the place of another one. Two renames: after the first the old one is in the stage as `old`
 * and the new one as `ready/<name>`, from which `finishReplacements` can tell what was meant.
 * @param stage the folder `.add-…` beside the plugins
 * @param prepared the new plugin, somewhere in the stage
 * @returns whether there was an old one
 */
export async function replacePlugin(stage: string, prepared: string, target: string): Promise<boolean> {
  const ready = path.join(stage, 'ready', path.basename(target));
  await mkdir(path.dirname(ready), { mode: 0o700 });
  await rename(prepared, ready);
  const replaced = await rename(target, path.join(stage, 'old')).then(() => true, unlessMissing(false));
  // where a daemon has started or reloaded just now, it has finished this already
  await rename(ready, target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || !replaced || !(await isThere(target))) throw error;
  });
  await syncFolder(path.dirname(target));
  return replaced;
}

/**
 * Finishes replacements that broke off between their two renames: the new plugin was checked and whole by then. Folders
 * that a broken-off `plugin add` left before that are removed once they are old.
 * @returns names of the plugins that were put in place
 */
export async function finishReplacements(plugins: string, now = Date.now()): Promise<string[]> {
  const finished: string[] = [];
  const names = await readdir(plugins).catch(unlessMissing([] as string[]));
  for (const name of names.filter((entry) => STAGE.test(entry))) {
    const stage = path.join(plugins, name);
    if (await isThere(path.join(stage, 'old'))) {
      const [ready] = await readdir(path.join(stage, 'ready')).catch(unlessMissing([] as string[]));
      if (ready !== undefined) {
        const target = path.join(plugins, ready);
        // what was put there since then stays
        if (!(await isThere(target))) {
          await rename(path.join(stage, 'ready', ready), target).then(() => finished.push(ready), unlessMissing(0));
          await syncFolder(plugins);
        }
      }
    } else {
      const info = await stat(stage).catch(unlessMissing(undefined));
      if (info === undefined || now - info.mtimeMs < ABANDONED_AFTER) continue;
    }
    await rm(stage, { recursive: true, force: true });
  }
  return finished;
}

/** Finishes what `plugin add` left half done in the places of installed plugins. Never throws: what cannot be finished is said. */
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

const isThere = (place: string): Promise<boolean> => stat(place).then(() => true, unlessMissing(false));

const unlessMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
