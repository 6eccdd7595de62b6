import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create } from 'tar';
import type { Answer, Client } from './daemon.ts';

export interface TestPlugin {
  /** Ids of the storage providers that the manifest names; `[<id of the plugin>]` by default. */
  providers?: readonly string[];
  /** Keys of the manifest to set or replace. */
  manifest?: object;
  /** Further files, by path inside of the folder. */
  files?: Record<string, string>;
}

/** Puts a plugin with code into a daemon's plugin folder; answers with its folder. */
export async function installPlugin(
  dataDir: string,
  id: string,
  code: string,
  { providers = [id], manifest = {}, files = {} }: TestPlugin = {},
): Promise<string> {
  const folder = path.join(dataDir, 'plugins', id);
  const contributes = { storageProviders: providers.map((provider) => ({ id: provider, title: provider })) };
  const text = { id, version: '1.0.0', api: '^1.0.0', title: id, entry: 'index.mjs', contributes, ...manifest };
  const all = { 'plugin.json': JSON.stringify(text), 'index.mjs': code, ...files };
  for (const [name, content] of Object.entries(all)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

/** Code of a plugin with one provider; `parts` are properties of the provider that replace its harmless ones. */
export const providerCode = (id: string, parts: string, before = ''): string => `
import { definePlugin, defineStorageProvider, StorageError, Type } from 'streamhub/plugin-sdk';
${before}
export default definePlugin({ storageProviders: [defineStorageProvider({
  id: '${id}',
  settings: Type.Object({ bucket: Type.String({ default: '' }), mood: Type.String({ default: '' }) }),
  credentials: [{ name: 'key', title: 'Key', secret: false, required: false }, { name: 'secret', title: 'Secret', secret: true, required: false }],
  capabilities: { bulkDelete: true, presign: false, versions: false, multipart: false },
  maxDeleteBatch: 100,
  open: () => { throw new StorageError('UNSUPPORTED'); },
  ${parts}
})] });
`;

/** A plugin as one packed file, as `streamhub plugin pack` and npm make it. */
export async function packedPlugin(id: string, code: string, plugin: TestPlugin = {}): Promise<Buffer> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-packed-'));
  try {
    await installPlugin(dir, id, code, plugin);
    const file = path.join(dir, 'packed.tgz');
    await create({ file, cwd: path.join(dir, 'plugins', id), gzip: true, prefix: 'package' }, ['.']);
    return await readFile(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Sends a plugin's file to `POST /plugins`, or to another address. */
export const upload = (api: Client, file: Uint8Array | string, url = '/plugins', method = 'POST'): Promise<Answer> =>
  api.call(method, url, file, { 'content-type': 'application/gzip' });
