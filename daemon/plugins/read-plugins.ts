import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import semver from 'semver';
import { sentenceOf } from '#shared/config/diagnostic.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';
import { MANIFEST_FILE, PluginManifest } from '#shared/plugin-sdk/manifest.ts';
import { definePreset, describeProblems, type Preset, PresetError } from '#shared/plugin-sdk/preset.ts';
import type { PluginOrigin, PluginRecord, PluginRoot } from './records.ts';

const MAX_PLUGINS = 200;
const MAX_FILE_BYTES = 65_536;
const PRESET_FILE = /\.(ya?ml|json)$/i;

/** Something that keeps a plugin from loading, in words for its author. */
class Refusal extends Error {}

/**
 * Finds and verifies the plugins of all places, in order: of two that claim the same id, the first keeps it. Reads files
 * and runs nothing. Meant for a worker, since the files are not trusted.
 */
export async function readPlugins(roots: readonly PluginRoot[]): Promise<PluginRecord[]> {
  const records: PluginRecord[] = [];
  for (const { dir, origin } of roots) {
    const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [] as string[];
      throw error;
    });
    for (const name of names.filter((entry) => !entry.startsWith('.')).sort()) {
      if (records.length === MAX_PLUGINS) return records;
      const record = await readPlugin(path.join(dir, name), origin);
      if (record !== undefined) records.push(record);
    }
  }
  refuseDoubles(records);
  return records;
}

/** One entry of a plugin folder: a folder with a manifest, or a single preset file. Anything else is no plugin. */
async function readPlugin(place: string, origin: PluginOrigin): Promise<PluginRecord | undefined> {
  const name = path.basename(place);
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) {
    const manifest = path.join(place, MANIFEST_FILE);
    if (!(await lstat(manifest).catch(() => undefined))) return undefined;
    return guarded(name, origin, () => fromFolder(place, origin));
  }
  if (!info?.isFile() || !PRESET_FILE.test(name)) return undefined;
  return guarded(name.replace(PRESET_FILE, ''), origin, () => fromPresetFile(place, origin));
}

async function guarded(id: string, origin: PluginOrigin, read: () => Promise<PluginRecord>): Promise<PluginRecord> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = error instanceof Refusal ? error.message : `it cannot be read (${code ?? 'unexpected content'})`;
    return { ...blank(id, origin), state: 'failed', reason };
  }
}

function blank(id: string, origin: PluginOrigin): PluginRecord {
  const empty = { warnings: [], presets: [], providers: [] };
  return {
    id,
    version: null,
    title: id,
    description: '',
    origin,
    state: 'verified',
    reason: null,
    entry: null,
    ...empty,
  };
}

async function fromFolder(dir: string, origin: PluginOrigin): Promise<PluginRecord> {
  const text = await readInside(dir, MANIFEST_FILE);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new Refusal(`${MANIFEST_FILE} is not valid JSON`);
  }
  const { known, unknown } = splitUnknown(raw);
  const problems = describeProblems(PluginManifest, known);
  if (problems.length > 0) throw new Refusal(`${MANIFEST_FILE}: ${problems.join('; ')}`);
  const manifest = known as PluginManifest;
  const warnings = unknown.map((key) => `${MANIFEST_FILE} has an unknown key: ${key}`);
  if (semver.validRange(manifest.api) === null) throw new Refusal(`api is not a version range: ${manifest.api}`);
  if (!semver.satisfies(PLUGIN_API_VERSION, manifest.api)) {
    throw new Refusal(`it is written for plugin API ${manifest.api}, this StreamHub has ${PLUGIN_API_VERSION}`);
  }
  const providers = manifest.contributes.storageProviders ?? [];
  if (providers.length > 0 && manifest.entry === undefined) throw new Refusal('storageProviders need an entry');
  const presets: Preset[] = [];
  for (const file of manifest.contributes.presets ?? []) presets.push(parsePreset(await readInside(dir, file), file));
  const version = manifest.version;
  return {
    ...blank(manifest.id, origin),
    version,
    title: manifest.title,
    description: manifest.description ?? '',
    warnings,
    presets,
    providers: providers.map(({ id, title, description = '' }) => ({ id, title, description })),
    entry: manifest.entry === undefined ? null : await entryUrl(dir, manifest.entry, text),
  };
}

async function fromPresetFile(file: string, origin: PluginOrigin): Promise<PluginRecord> {
  const name = path.basename(file);
  const preset = parsePreset(await readInside(path.dirname(file), name), name);
  const record = blank(name.replace(PRESET_FILE, ''), origin);
  return { ...record, title: preset.title, description: preset.description, presets: [preset] };
}

/** Reads a file that must lie inside the folder, links followed. */
async function readInside(dir: string, file: string): Promise<string> {
  const real = await insideOf(dir, file);
  const { size } = await stat(real);
  if (size > MAX_FILE_BYTES) throw new Refusal(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
  return readFile(real, 'utf8');
}

async function insideOf(dir: string, file: string): Promise<string> {
  const root = await realpath(dir);
  const real = await realpath(path.join(dir, file)).catch(() => {
    throw new Refusal(`${file} does not exist`);
  });
  if (!real.startsWith(root + path.sep)) throw new Refusal(`${file} leads out of the plugin's folder`);
  if (!(await stat(real)).isFile()) throw new Refusal(`${file} is not a file`);
  return real;
}

/** The module's URL. Its query changes with manifest and module, so that a reload imports the new one. */
async function entryUrl(dir: string, entry: string, manifest: string): Promise<string> {
  const real = await insideOf(dir, entry);
  const { mtimeMs, size } = await stat(real);
  const revision = createHash('sha256').update(manifest).update(`${mtimeMs} ${size}`).digest('hex').slice(0, 16);
  return `${pathToFileURL(real).href}?v=${revision}`;
}

function parsePreset(text: string, file: string): Preset {
  const parsed = parseConfig(text);
  if (parsed.value === null) throw new Refusal(`${file}: ${parsed.errors.map(sentenceOf)[0] ?? 'it is not a mapping'}`);
  try {
    return definePreset(parsed.value as Preset);
  } catch (error) {
    if (error instanceof PresetError) throw new Refusal(`${file}: ${error.problems.join('; ')}`);
    throw error;
  }
}

/** Takes top-level keys away that the manifest's schema does not know. */
function splitUnknown(raw: unknown): { known: unknown; unknown: string[] } {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { known: raw, unknown: [] };
  const names = new Set(Object.keys(PluginManifest.properties));
  const entries = Object.entries(raw);
  return {
    known: Object.fromEntries(entries.filter(([key]) => names.has(key))),
    unknown: entries.map(([key]) => key).filter((key) => !names.has(key)),
  };
}

/** An id belongs to whoever was found first; a later plugin that claims it fails as a whole. */
function refuseDoubles(records: readonly PluginRecord[]): void {
  const owners = new Map<string, string>();
  for (const record of records.filter((candidate) => candidate.state !== 'failed')) {
    const claims = [
      `plugin id ${record.id}`,
      ...record.presets.map((preset) => `preset ${preset.id}`),
      ...record.providers.map((provider) => `storage provider ${provider.id}`),
    ];
    const twice = claims.find((claim, index) => claims.indexOf(claim) !== index);
    const taken = claims.find((claim) => owners.has(claim));
    if (twice !== undefined || taken !== undefined) {
      record.state = 'failed';
      record.reason = taken
        ? `the ${taken} is taken by the plugin ${owners.get(taken)}`
        : `it names the ${twice} twice`;
      record.presets = [];
      record.providers = [];
      continue;
    }
    for (const claim of claims) owners.set(claim, record.id);
  }
}
