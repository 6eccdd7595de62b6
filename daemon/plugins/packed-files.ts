import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { INSIDE_PATTERN, MANIFEST_FILE } from '#shared/plugin-sdk/manifest.ts';
import { type PluginProblem, PluginRefusal, pluginProblem, refusal } from '#shared/plugin-sdk/problems.ts';

/** Bounds of a plugin's folder: more is neither packed nor installed nor verified. */
export const MAX_PLUGIN_FILES = 1000;
export const MAX_PLUGIN_BYTES = 32 * 1024 * 1024;
/** Paths that files and folders of a packed plugin can have. */
export const INSIDE: RegExp = new RegExp(INSIDE_PATTERN);

/** Compares a plugin's folder with the sums that `streamhub plugin pack` wrote. @throws PluginRefusal naming each file */
export async function checkPackedFiles(dir: string, sums: Readonly<Record<string, string>>): Promise<void> {
  const problems: PluginProblem[] = [];
  const present = new Set((await filesOf(dir)).filter((file) => file !== MANIFEST_FILE));
  for (const file of present) if (!Object.hasOwn(sums, file)) problems.push(pluginProblem('FILE_UNLISTED', { file }));
  for (const [file, sum] of Object.entries(sums)) {
    if (!present.has(file)) problems.push(pluginProblem('FILE_MISSING', { file }));
    else if ((await sumOf(path.join(dir, file))) !== sum) problems.push(pluginProblem('FILE_CHANGED', { file }));
  }
  if (problems.length > 0) throw new PluginRefusal(problems.slice(0, 20));
}

/**
 * Files below a folder with forward slashes, sorted. Everything that is not a folder counts, links too.
 * @throws PluginRefusal when there are too many or they are too large
 */
export async function filesOf(dir: string, isWanted: (file: string) => boolean = () => true): Promise<string[]> {
  const found: string[] = [];
  let bytes = 0;
  const walk = async (below: string): Promise<void> => {
    for await (const entry of await opendir(path.join(dir, below))) {
      const file = below === '' ? entry.name : `${below}/${entry.name}`;
      if (!isWanted(file)) continue;
      if (entry.isDirectory()) {
        await walk(file);
        continue;
      }
      found.push(file);
      bytes += (await stat(path.join(dir, file)).catch(() => undefined))?.size ?? 0;
      if (found.length > MAX_PLUGIN_FILES) throw refusal('TOO_MANY_FILES', { detail: `${MAX_PLUGIN_FILES} files` });
      if (bytes > MAX_PLUGIN_BYTES) throw refusal('TOO_MANY_FILES', { detail: `${MAX_PLUGIN_BYTES} bytes` });
    }
  };
  await walk('');
  return found.sort();
}

/** SHA-256 of a file in hexadecimal. */
export async function sumOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
