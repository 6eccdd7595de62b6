import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { checkConfig } from '#shared/config/check.ts';
import type { Preset } from '#shared/plugin-sdk/preset.ts';
import { type PluginProblem, PluginRefusal, pluginProblem, problemLine } from '#shared/plugin-sdk/problems.ts';
import { copyPlugin } from './copy.ts';
import { readPluginFolder } from './host.ts';
import { isPacked, unpackPlugin } from './unpack.ts';
import { UsageError } from './usage-error.ts';

/** What `streamhub plugin check` found. */
export interface CheckResult {
  ok: boolean;
  id: string;
  version: string | null;
  title: string;
  presets: string[];
  storageProviders: string[];
  /** What keeps it from loading. */
  problems: readonly PluginProblem[];
  /** Faults that do not keep it from working. */
  warnings: readonly PluginProblem[];
}

/** Verifies a folder, a packed plugin or a preset file as the daemon does, and lets its code describe itself. */
export async function checkPlugin(place: string): Promise<CheckResult> {
  const source = path.resolve(place);
  const info = await stat(source).catch(() => undefined);
  if (info === undefined) throw new UsageError(`${place} does not exist`);
  const root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-check-'));
  try {
    const target = path.join(root, path.basename(source).replace(/\.(?:tgz|tar\.gz)$/i, ''));
    if (info.isDirectory() || isPacked(source)) {
      await mkdir(target);
      try {
        // what is handed on, and no more
        if (info.isDirectory()) await copyPlugin(source, target);
        else await unpackPlugin(source, target);
      } catch (error) {
        if (error instanceof PluginRefusal) return failed(path.basename(target), error.problems);
        throw error;
      }
    } else await copyFile(source, target);
    return await checkRoot(root, place);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Checks the one plugin of a folder. */
export async function checkRoot(root: string, name: string): Promise<CheckResult> {
  const record = await readPluginFolder(root);
  if (record === undefined) {
    throw new UsageError(
      `${name} is not a plugin: it has no plugin.json and is not a preset file (.yaml, .yml, .json)`,
    );
  }
  const { id, version, title, presets, providers, problems, warnings } = record;
  return {
    ok: problems.length === 0 && record.state !== 'failed',
    id,
    version,
    title,
    presets: presets.map((preset) => preset.id),
    storageProviders: providers.map((provider) => provider.id),
    problems,
    warnings: [...warnings, ...presets.flatMap(configFaults)],
  };
}

/** What an app's config would say of the values that a preset sets. */
function configFaults({ id, patch }: Preset): PluginProblem[] {
  const { diagnostics } = checkConfig({ app: 'check', text: stringify(patch) });
  const faults = diagnostics.filter(({ severity, code }) => severity === 'error' || code === 'unknown-key');
  return faults.map(({ path: key, message }) =>
    pluginProblem('PRESET_UNKNOWN_KEY', { key: `preset ${id}: patch.${key}`, detail: message }),
  );
}

const failed = (id: string, problems: readonly PluginProblem[]): CheckResult => ({
  ok: false,
  id,
  version: null,
  title: id,
  presets: [],
  storageProviders: [],
  problems,
  warnings: [],
});

/** The result for a terminal. */
export function reportOf(result: CheckResult): string {
  const { ok, id, version, presets, storageProviders, problems, warnings } = result;
  const lines = [`${id}${version === null ? '' : ` ${version}`}: ${ok ? 'works' : 'does not load'}`];
  if (presets.length > 0) lines.push(`  presets: ${presets.join(', ')}`);
  if (storageProviders.length > 0) lines.push(`  storage providers: ${storageProviders.join(', ')}`);
  for (const problem of problems)
    lines.push(`  error: ${problemLine(problem)} [${problem.code}]`, `    ${problem.cure}`);
  for (const warning of warnings) {
    lines.push(`  warning: ${problemLine(warning)} [${warning.code}]`, `    ${warning.cure}`);
  }
  return lines.join('\n');
}
