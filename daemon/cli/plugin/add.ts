import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '#shared/files/make-folder.ts';
import { readRunFile } from '#shared/files/run-file.ts';
import { PluginRefusal } from '#shared/plugin-sdk/problems.ts';
import { finishReplacements, nameOf, newStage, putPlugin } from '../../plugins/install/places.ts';
import { unpackPlugin } from '../../plugins/install/unpack.ts';
import { readPlugins } from '../../plugins/read-plugins.ts';
import { statNamed } from '../named-file.ts';
import { commandSettings } from '../settings.ts';
import { checkRoot, isPacked } from './check.ts';
import { copyPlugin } from './copy.ts';

export interface AddedPlugin {
  id: string;
  folder: string;
  replaced: boolean;
  /** What makes a running daemon see it. */
  next: string;
}

/**
 * Puts a plugin into `<DATA_DIR>/plugins`: copied to a place beside that the daemon ignores, checked there as the daemon
 * does, then renamed, so that the daemon sees the old one or the new one and never half of it. One that broke off between
 * is finished by the next start or reload of the daemon, or by the next call.
 */
export async function addPlugin(place: string, options: { dataDir?: string; envFile?: string }): Promise<AddedPlugin> {
  const { dataDir } = commandSettings(options);
  const source = path.resolve(place);
  const info = await statNamed(place);
  const plugins = path.join(dataDir, 'plugins');
  await makeFolder(plugins);
  await finishReplacements(plugins);
  const stage = await newStage(plugins);
  const name = path.basename(source).replace(/\.(?:tgz|tar\.gz)$/i, '');
  const staged = path.join(stage, 'new', name);
  await makeFolder(path.dirname(staged));
  try {
    if (info.isFile() && !isPacked(source)) await copyFile(source, staged);
    else {
      await mkdir(staged, { mode: 0o700 });
      if (isPacked(source)) await unpackPlugin(source, staged);
      else await copyPlugin(source, staged);
    }
    const checked = await checkRoot(path.dirname(staged), place);
    if (!checked.ok) throw new PluginRefusal(checked.problems);
    const { id } = checked;
    const records = await readPlugins([{ dir: plugins, origin: 'installed' }]);
    const file = info.isFile() && !isPacked(source) ? name : null;
    const known = records.find((record) => record.origin === 'installed' && record.id === id)?.name;
    const old = known ?? (existsSync(path.join(plugins, file ?? id)) ? (file ?? id) : null);
    const target = nameOf(id, file, old);
    await putPlugin(stage, { id, prepared: staged, name: target, old });
    return { id, folder: path.join(plugins, target), replaced: old !== null, next: await nextStep(dataDir) };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function nextStep(dataDir: string): Promise<string> {
  const run = await readRunFile(dataDir);
  const reload = 'A running daemon loads it after Plugins → Reload in the app, or streamhub plugin reload';
  return run === undefined ? `${reload}; otherwise it is loaded at the next start.` : `${reload} --url ${run.url}.`;
}
