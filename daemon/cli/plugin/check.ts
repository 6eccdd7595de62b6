import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { type PluginProblem, PluginRefusal, problemLine } from '#shared/plugin-sdk/problems.ts';
import { type TriedPlugin, tryPlugin } from '../../plugins/install/trial.ts';
import { unpackPlugin } from '../../plugins/install/unpack.ts';
import { UsageError } from '../exit-codes.ts';
import { statNamed } from '../named-file.ts';
import { copyPlugin } from './copy.ts';

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
  const info = await statNamed(place);
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
  const tried = await tryWithDefaults(root);
  if (tried === undefined) {
    throw new UsageError(
      `${name} is not a plugin: it has no plugin.json and is not a preset file (.yaml, .yml, .json)`,
    );
  }
  const { record, problems, warnings } = tried;
  const { id, version, title, presets, providers } = record;
  return {
    ok: problems.length === 0,
    id,
    version,
    title,
    presets: presets.map((preset) => preset.id),
    storageProviders: providers.map((provider) => provider.id),
    problems,
    warnings,
  };
}

/** Tries a plugin without a daemon: with its own threads and the limits that a daemon has by default. */
async function tryWithDefaults(root: string): Promise<TriedPlugin | undefined> {
  const pool = new WorkerPool();
  try {
    return await tryPlugin(root, {
      pool,
      policy: { denyPrivate: false },
      limits: {
        memoryMb: SETTINGS.pluginMemoryMb.default,
        loadSeconds: SETTINGS.pluginLoadSeconds.default,
        callSeconds: SETTINGS.pluginCallSeconds.default,
        idleSeconds: SETTINGS.pluginIdleSeconds.default,
        sandbox: 'auto',
      },
      isSafeMode: false,
    });
  } finally {
    await pool.close();
  }
}

export const isPacked = (file: string): boolean => /\.(?:tgz|tar\.gz)$/i.test(file);

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
