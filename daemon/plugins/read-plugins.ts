import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import semver from 'semver';
import { sentenceOf } from '#shared/config/diagnostic.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';
import { MANIFEST_FILE, PluginManifest } from '#shared/plugin-sdk/manifest.ts';
import { definePreset, describeProblems, PROTECTED_KEYS, type Preset, PresetError } from '#shared/plugin-sdk/preset.ts';
import {
  type PluginProblem,
  PluginRefusal,
  pluginProblem,
  problemLine,
  refusal,
  splitSentence,
} from '#shared/plugin-sdk/problems.ts';
import { parseJson } from './json-text.ts';
import { npmPlugins, packagesBelow } from './npm-packages.ts';
import { checkPackedFiles } from './packed-files.ts';
import { readablePaths } from './readable-paths.ts';
import type { PluginOrigin, PluginRecord, PluginRoot } from './records.ts';

const MAX_PLUGINS = 200;
/** Size of a manifest, a preset file or the documentation. */
export const MAX_TEXT_BYTES = 65_536;
/** What npm and its like leave beside the packages. */
const PACKAGE_FILES = new Set([
  'node_modules',
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
]);
const PRESET_FILE = /\.(ya?ml|json)$/i;

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
    for (const name of names.filter((entry) => !entry.startsWith('.') && !PACKAGE_FILES.has(entry)).sort()) {
      const record = await readPlugin(path.join(dir, name), origin);
      if (record !== undefined && records.length < MAX_PLUGINS) records.push({ ...record, name });
    }
    if (origin === 'built-in' || !names.includes('node_modules')) continue;
    for (const { name, folder } of await npmPlugins(dir)) {
      const id = name.replace(/^@/, '').replace('/', '-');
      const record = await guarded(id, folder, 'npm', () => fromFolder(folder, 'npm'));
      if (records.length < MAX_PLUGINS) records.push({ ...record, name });
    }
  }
  refuseDoubles(records);
  return records;
}

/** A plugin before its place is noted. */
type Found = Omit<PluginRecord, 'name'>;

/** One entry of a plugin folder: a folder with a manifest, or a single preset file. Anything else is not a plugin. */
async function readPlugin(place: string, origin: PluginOrigin): Promise<Found | undefined> {
  const name = path.basename(place);
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) {
    const manifest = path.join(place, MANIFEST_FILE);
    if (!(await lstat(manifest).catch(() => undefined))) return undefined;
    return guarded(name, place, origin, () => fromFolder(place, origin));
  }
  if (!info?.isFile() || !PRESET_FILE.test(name)) return undefined;
  const id = name.replace(PRESET_FILE, '');
  return guarded(id, path.dirname(place), origin, () => fromPresetFile(place, origin));
}

async function guarded(id: string, folder: string, origin: PluginOrigin, read: () => Promise<Found>): Promise<Found> {
  try {
    return await read();
  } catch (error) {
    const detail = (error as NodeJS.ErrnoException).code ?? 'unexpected content';
    const { problems, message } = error instanceof PluginRefusal ? error : refusal('FILE_UNREADABLE', { detail });
    return { ...blank(id, folder, origin), state: 'failed', reason: message, problems: [...problems] };
  }
}

function blank(id: string, folder: string, origin: PluginOrigin): Found {
  return {
    id,
    version: null,
    title: id,
    description: '',
    author: null,
    license: null,
    homepage: null,
    origin,
    state: 'verified',
    reason: null,
    problems: [],
    warnings: [],
    documentation: null,
    presets: [],
    providers: [],
    entry: null,
    folder,
    readable: [],
  };
}

async function fromFolder(place: string, origin: PluginOrigin): Promise<Found> {
  const dir = await realpath(place);
  const text = await readInside(dir, MANIFEST_FILE);
  const { known, unknown } = splitUnknown(parseJson(text, MANIFEST_FILE));
  const problems = describeProblems(PluginManifest, known);
  if (problems.length > 0)
    throw new PluginRefusal(problems.map((text) => sentenceProblem('MANIFEST_INVALID', MANIFEST_FILE, text)));
  const manifest = known as PluginManifest;
  const warnings = unknown.map((key) => pluginProblem('MANIFEST_UNKNOWN_KEY', { file: MANIFEST_FILE, key }));
  checkManifest(manifest, origin);
  const providers = manifest.contributes.storageProviders ?? [];
  const presets: Preset[] = [];
  for (const file of manifest.contributes.presets ?? []) {
    const preset = parsePreset(await readInside(dir, file), file);
    warnings.push(...protectedKeys(preset, file));
    presets.push(preset);
  }
  if (manifest.files !== undefined) await checkPackedFiles(dir, manifest.files);
  const { version, title, description = '', author = null, license = null, homepage = null } = manifest;
  return {
    ...blank(manifest.id, dir, origin),
    version,
    title,
    description,
    author,
    license,
    homepage,
    warnings,
    presets,
    providers: providers.map(({ id, title, description = '', inAppFolder = false, egressTarget = false }) => ({
      id,
      title,
      description,
      inAppFolder,
      egressTarget,
    })),
    documentation: manifest.documentation === undefined ? null : await readInside(dir, manifest.documentation),
    ...(manifest.entry === undefined ? {} : await codeOf(dir, origin, manifest.entry)),
  };
}

/** What the schema cannot say of a manifest. */
function checkManifest({ api, entry, contributes }: PluginManifest, origin: PluginOrigin): void {
  const file = MANIFEST_FILE;
  if (semver.validRange(api) === null) throw refusal('API_RANGE_INVALID', { file, key: 'api', detail: api });
  if (!semver.satisfies(PLUGIN_API_VERSION, api)) {
    throw refusal('API_VERSION_UNSUPPORTED', {
      file,
      key: 'api',
      detail: `${api}, but this StreamHub has ${PLUGIN_API_VERSION}`,
    });
  }
  const providers = contributes.storageProviders ?? [];
  if (providers.length > 0 && entry === undefined) throw refusal('ENTRY_MISSING', { file, key: 'entry' });
  const local = providers.findIndex((provider) => provider.inAppFolder !== undefined);
  if (local >= 0 && origin !== 'built-in') {
    throw refusal('BUILT_IN_ONLY', { file, key: `contributes.storageProviders.${local}.inAppFolder` });
  }
}

const sentenceProblem = (code: 'MANIFEST_INVALID' | 'PRESET_INVALID', file: string, sentence: string): PluginProblem =>
  pluginProblem(code, { file, ...splitSentence(sentence) });

/** Keys of a patch that no preset can change: the host leaves them out. */
function protectedKeys(preset: Preset, file: string): PluginProblem[] {
  const keys = Object.keys(preset.patch).filter((key) => (PROTECTED_KEYS as readonly string[]).includes(key));
  return keys.map((key) => pluginProblem('PRESET_PROTECTED', { file, key: `patch.${key}` }));
}

async function fromPresetFile(file: string, origin: PluginOrigin): Promise<Found> {
  const name = path.basename(file);
  const preset = parsePreset(await readInside(path.dirname(file), name), name);
  const record = blank(name.replace(PRESET_FILE, ''), path.dirname(file), origin);
  return {
    ...record,
    title: preset.title,
    description: preset.description,
    presets: [preset],
    warnings: protectedKeys(preset, name),
  };
}

/** Reads a file that must be inside the folder after links are resolved. */
async function readInside(dir: string, file: string): Promise<string> {
  const real = await insideOf(dir, file);
  const { size } = await stat(real);
  if (size > MAX_TEXT_BYTES) throw refusal('FILE_TOO_LARGE', { file, detail: String(MAX_TEXT_BYTES) });
  return readFile(real, 'utf8');
}

async function insideOf(dir: string, file: string): Promise<string> {
  const root = await realpath(dir);
  const real = await realpath(path.join(dir, file)).catch(() => {
    throw refusal('FILE_MISSING', { file });
  });
  if (!real.startsWith(root + path.sep)) throw refusal('FILE_OUTSIDE', { file });
  if (!(await stat(real)).isFile()) throw refusal('FILE_NOT_A_FILE', { file });
  return real;
}

/**
 * The entry's URL, and what its process may read. Links out of a folder would lead around the permissions, so there must
 * be none.
 */
async function codeOf(
  dir: string,
  origin: PluginOrigin,
  entry: string,
): Promise<Pick<PluginRecord, 'entry' | 'readable'>> {
  const url = pathToFileURL(await insideOf(dir, entry)).href;
  if (origin === 'built-in') return { entry: url, readable: [] };
  const folders = origin === 'npm' ? await packagesBelow(dir) : [dir];
  const readable: string[] = [];
  for (const folder of folders) readable.push(...(await readablePaths(folder)));
  return { entry: url, readable };
}

function parsePreset(text: string, file: string): Preset {
  const parsed = parseConfig(text);
  if (parsed.value === null) {
    const detail = parsed.errors.map(sentenceOf)[0] ?? 'it is not a mapping';
    throw refusal('PRESET_UNREADABLE', { file, detail });
  }
  try {
    return definePreset(parsed.value as Preset);
  } catch (error) {
    if (!(error instanceof PresetError)) throw error;
    throw new PluginRefusal(error.problems.map((text) => sentenceProblem('PRESET_INVALID', file, text)));
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

/** The ids that a plugin takes for itself; each belongs to one plugin. */
export const claimsOf = ({ id, presets, providers }: PluginRecord): string[] => [
  `plugin id ${id}`,
  ...presets.map((preset) => `preset ${preset.id}`),
  ...providers.map((provider) => `storage provider ${provider.id}`),
];

export const idTaken = (claim: string, owner: string): PluginProblem =>
  pluginProblem('ID_TAKEN', { detail: `the ${claim} already belongs to the plugin ${owner}` });

/** An id belongs to the plugin that was found first; a later plugin with the same id fails. */
function refuseDoubles(records: readonly PluginRecord[]): void {
  const owners = new Map<string, string>();
  for (const record of records.filter((candidate) => candidate.state !== 'failed')) {
    const claims = claimsOf(record);
    const twice = claims.find((claim, index) => claims.indexOf(claim) !== index);
    const taken = claims.find((claim) => owners.has(claim));
    if (twice !== undefined || taken !== undefined) {
      const problem = taken
        ? idTaken(taken, owners.get(taken) ?? '')
        : pluginProblem('ID_TWICE', { detail: `it contains the ${twice} twice` });
      record.state = 'failed';
      record.reason = problemLine(problem);
      record.problems = [problem];
      record.presets = [];
      record.providers = [];
      continue;
    }
    for (const claim of claims) owners.set(claim, record.id);
  }
}
