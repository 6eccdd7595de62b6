import { readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { ID_PATTERN } from '#shared/plugin-sdk/manifest.ts';
import { UsageError } from '../exit-codes.ts';
import { presetFiles, storageFiles, type TemplateValues } from './templates.ts';

export const KINDS = ['preset', 'storage'] as const;
export type Kind = (typeof KINDS)[number];

export interface ScaffoldOptions {
  name: string;
  kind: Kind;
  /** Code in TypeScript. */
  isTyped: boolean;
  /** Folder in which the plugin's folder is made. */
  dir: string;
}

/** Makes a plugin's folder. Nothing that exists is touched. @throws UsageError */
export async function scaffoldPlugin(options: ScaffoldOptions): Promise<{ folder: string; files: string[] }> {
  const { name, kind, isTyped, dir } = options;
  if (!new RegExp(ID_PATTERN).test(name)) {
    throw new UsageError(
      `${name} is not a valid id: use 2 to 64 lowercase letters, digits and dashes, with no dash at either end`,
    );
  }
  const folder = path.resolve(dir, name);
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError(`${folder} cannot be used (${error.code})`);
  });
  if (present.length > 0) throw new UsageError(`${folder} is not empty`);
  const words = name.replaceAll('-', ' ');
  const values: TemplateValues = {
    name,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    extension: isTyped ? 'ts' : 'js',
    sdk: path.relative(folder, PACKAGE_ROOT).split(path.sep).join('/') || '.',
  };
  const files = kind === 'preset' ? presetFiles(values) : storageFiles(values);
  for (const [file, text] of Object.entries(files)) {
    await makeFolder(path.dirname(path.join(folder, file)), 0o777);
    await writeFile(path.join(folder, file), text, { flag: 'wx' });
  }
  // what `npm install` would create for the dependency in package.json, so that tests run and editors know the types immediately
  await makeFolder(path.join(folder, 'node_modules'), 0o777);
  await symlink(PACKAGE_ROOT, path.join(folder, 'node_modules', 'streamhub'), 'junction');
  return { folder, files: Object.keys(files) };
}
