import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create } from 'tar';
import { makeFolder } from '#shared/files/make-folder.ts';
import { MANIFEST_FILE, type PluginManifest } from '#shared/plugin-sdk/manifest.ts';
import { PluginRefusal, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { parseJson } from '../../plugins/json-text.ts';
import { INSIDE, sumOf } from '../../plugins/packed-files.ts';
import { UsageError } from '../exit-codes.ts';
import { checkPlugin } from './check.ts';
import { copyPlugin } from './copy.ts';

/** Time of every file in a packed plugin, so that the same files give the same bytes; npm uses the same one. */
const PACKED_AT = new Date('1985-10-26T08:15:00Z');
const PACKAGE_FILE = 'package.json';
/** Fields of package.json that mean something where the plugin is installed. */
const KEPT_FIELDS = [
  'name',
  'version',
  'description',
  'license',
  'author',
  'homepage',
  'type',
  'keywords',
  'streamhub',
] as const;

export interface PackedPlugin {
  file: string;
  files: number;
  bytes: number;
  sha256: string;
}

/** Packs a plugin's folder in npm's own format, with the sums of its files in the manifest. @throws PluginRefusal, UsageError */
export async function packPlugin(folder: string, out: string): Promise<PackedPlugin> {
  const dir = path.resolve(folder);
  const checked = await checkPlugin(dir);
  if (!checked.ok) throw new PluginRefusal(checked.problems);
  const manifest = await readManifest(dir);
  const stage = await mkdtemp(path.join(os.tmpdir(), 'streamhub-pack-'));
  try {
    const files = (await copyPlugin(dir, stage)).filter((file) => file !== MANIFEST_FILE);
    const misnamed = files.filter((file) => !INSIDE.test(file));
    if (misnamed.length > 0) throw new PluginRefusal(misnamed.map((file) => pluginProblem('ARCHIVE_PATH', { file })));
    if (files.includes(PACKAGE_FILE)) {
      await writeFile(path.join(stage, PACKAGE_FILE), await packageOf(path.join(dir, PACKAGE_FILE)));
    }
    const sums: Record<string, string> = {};
    for (const file of files) sums[file] = await sumOf(path.join(stage, file));
    await writeFile(path.join(stage, MANIFEST_FILE), `${JSON.stringify({ ...manifest, files: sums }, null, 2)}\n`);
    await makeFolder(out, 0o777);
    const file = path.resolve(out, `${manifest.id}-${manifest.version}.tgz`);
    await create(
      { file, cwd: stage, gzip: { level: 9 }, portable: true, mtime: PACKED_AT, prefix: 'package', noDirRecurse: true },
      [MANIFEST_FILE, ...files],
    );
    return { file, files: files.length + 1, bytes: (await stat(file)).size, sha256: await sumOf(file) };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function readManifest(dir: string): Promise<PluginManifest> {
  const text = await readFile(path.join(dir, MANIFEST_FILE), 'utf8').catch(() => {
    throw new UsageError(`${dir} has no ${MANIFEST_FILE}; a preset file needs no packing`);
  });
  return parseJson(text, MANIFEST_FILE) as PluginManifest;
}

/** package.json without what only the author's machine needs. */
async function packageOf(file: string): Promise<string> {
  const all = parseJson(await readFile(file, 'utf8'), PACKAGE_FILE) as Record<string, unknown>;
  const kept = Object.fromEntries(KEPT_FIELDS.filter((name) => name in all).map((name) => [name, all[name]]));
  return `${JSON.stringify(kept, null, 2)}\n`;
}
