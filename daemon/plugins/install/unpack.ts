import { copyFile, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { extract, list, type ReadEntry } from 'tar';
import { parseConfig } from '#shared/config/parse.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { PRESET_ID_PATTERN } from '#shared/plugin-sdk/manifest.ts';
import { refusal } from '#shared/plugin-sdk/problems.ts';
import { INSIDE, MAX_PLUGIN_BYTES, MAX_PLUGIN_FILES } from '../packed-files.ts';
import { MAX_TEXT_BYTES } from '../read-plugins.ts';

const PRESET_ID = new RegExp(PRESET_ID_PATTERN);
/** Each file and folder has a header of at most this many bytes, and fills its last block. */
const MAX_TAR_BYTES = MAX_PLUGIN_BYTES + 2 * MAX_PLUGIN_FILES * 2048;
const gunzipBounded = (bytes: Buffer): Promise<Buffer> => promisify(gunzip)(bytes, { maxOutputLength: MAX_TAR_BYTES });
const GZIP = '1f8b';
const ZIP = '504b';
/** Folder of an unpacked plugin whose id isn't known yet. */
const UNPACKED = 'plugin';

/**
 * Unpacks a plugin from one file into an empty folder: a packed plugin becomes a folder, a preset file keeps its contents.
 * The contents of the file decide, because a name can say anything. Meant for a worker, since the file isn't trusted.
 * @returns the name of what was made in `folder`
 * @throws PluginRefusal
 */
export async function unpackFile(file: string, folder: string): Promise<string> {
  const head = await firstBytes(file);
  if (head === GZIP) {
    const target = path.join(folder, UNPACKED);
    await makeFolder(target);
    await unpackPlugin(file, target);
    return UNPACKED;
  }
  if (head === ZIP) throw refusal('ARCHIVE_UNREADABLE', { detail: 'it is a ZIP file, not a .tgz' });
  const id = await presetIdOf(file);
  if (id === undefined)
    throw refusal('ARCHIVE_UNREADABLE', { detail: 'it is neither a packed plugin (.tgz) nor a preset file' });
  await makeFolder(folder);
  await copyFile(file, path.join(folder, `${id}.yaml`));
  return `${id}.yaml`;
}

/**
 * Unpacks a packed plugin into an empty folder. Looks at all headers first: nothing is written of an archive that holds
 * links, paths that lead out of its folder, or more than a plugin may.
 * @throws PluginRefusal
 */
export async function unpackPlugin(file: string, target: string): Promise<void> {
  // packing shrinks; a file above the limit cannot hold less
  if ((await stat(file)).size > MAX_PLUGIN_BYTES) throw tooMuch(`${MAX_PLUGIN_BYTES} bytes`);
  const archive = `${target}.tar`;
  try {
    // bounded here: tar reads everything behind the end of an archive, however long it is
    await writeFile(archive, await gunzipBounded(await readFile(file)), { flag: 'wx', mode: 0o600 });
    // the header of an entry is checked before its contents are read
    list({ file: archive, sync: true, strict: true, onReadEntry: entryCheck() });
    extract({ file: archive, cwd: target, sync: true, strict: true, strip: 1, noMtime: true, filter: withPlainRights });
  } catch (error) {
    if (error instanceof Error && error.name === 'PluginRefusal') throw error;
    const { code = 'damaged' } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooMuch(`${MAX_PLUGIN_BYTES} bytes`);
    throw refusal('ARCHIVE_UNREADABLE', { detail: code });
  } finally {
    await rm(archive, { force: true });
  }
}

/** Rights in an archive say nothing here: no set-user-id bit, and nothing that the daemon itself could not read. */
function withPlainRights(_path: string, entry: object): true {
  const { type } = entry as ReadEntry;
  Object.assign(entry, { mode: type === 'Directory' ? 0o755 : 0o644 });
  return true;
}

/** Checks one archive, entry by entry. */
function entryCheck(): (entry: ReadEntry) => void {
  let files = 0;
  let folders = 0;
  let bytes = 0;
  let top: string | undefined;
  return ({ path: name, type, size }) => {
    if (type === 'Directory') {
      if (!INSIDE.test(name.replace(/\/$/, ''))) throw refusal('ARCHIVE_PATH', { file: name });
      folders += 1;
    } else {
      if (type !== 'File' && type !== 'OldFile') throw refusal('ARCHIVE_LINK', { file: name });
      const [first, ...rest] = name.split('/');
      top ??= first;
      if (!INSIDE.test(name) || rest.length === 0 || first !== top) throw refusal('ARCHIVE_PATH', { file: name });
      files += 1;
    }
    bytes += size;
    if (Math.max(files, folders) > MAX_PLUGIN_FILES) throw tooMuch(`${MAX_PLUGIN_FILES} files`);
    if (bytes > MAX_PLUGIN_BYTES) throw tooMuch(`${MAX_PLUGIN_BYTES} bytes`);
  };
}

async function firstBytes(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('hex', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The id in a preset file; undefined if it isn't one. What else is wrong with it is found when the plugin is read. */
async function presetIdOf(file: string): Promise<string | undefined> {
  if ((await stat(file)).size > MAX_TEXT_BYTES) return undefined;
  const id = parseConfig(await readFile(file, 'utf8')).value?.['id'];
  return typeof id === 'string' && PRESET_ID.test(id) ? id : undefined;
}

const tooMuch = (detail: string) => refusal('TOO_MANY_FILES', { detail });
