import { Value } from 'typebox/value';
import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import type { SettingsChange, SettingsFinding, StorageProvider } from '#shared/plugin-sdk/storage-provider.ts';

/** What a provider makes of its settings. */
export interface Judgement {
  /** As the provider wants them stored. */
  settings: Record<string, unknown>;
  findings: SettingsFinding[];
  /** The URL that a client opened with them connects to; null when it uses no network. */
  endpoint: string | null;
  /** Keys that a call of `deleteMany` is given at most. */
  maxDeleteBatch: number;
}

/** The same for a storage that deletes one by one: such calls take long, and smaller ones show progress and end in time. */
const SINGLES_AT_ONCE = 100;

/**
 * Lets a provider complete and judge settings. Runs where the provider's code runs.
 * @param change absent when nothing changes: then the settings are only brought into form
 */
export function judgeSettings(
  provider: StorageProvider,
  given: Record<string, unknown>,
  change: SettingsChange | null,
): Judgement {
  const most = provider.capabilities.bulkDelete ? provider.maxDeleteBatch : SINGLES_AT_ONCE;
  const maxDeleteBatch = Math.min(provider.maxDeleteBatch, most);
  const fitted = fitSettings(provider, given);
  if (change === null)
    return { settings: fitted, findings: [], endpoint: endpointOf(provider, fitted), maxDeleteBatch };
  const problems = describeProblems(provider.settings, fitted);
  if (problems.length > 0) {
    const findings = problems.map((problem): SettingsFinding => {
      const [path = '', ...words] = problem.split(' ');
      return { path, message: words.join(' '), severity: 'error' };
    });
    return { settings: fitted, findings, endpoint: null, maxDeleteBatch };
  }
  const settings = provider.normalise?.(fitted, change) ?? fitted;
  const findings = provider.validate?.(settings) ?? [];
  return { settings, findings, endpoint: endpointOf(provider, settings), maxDeleteBatch };
}

const endpointOf = (provider: StorageProvider, settings: Record<string, unknown>): string | null =>
  provider.endpoint?.(settings) ?? null;

/** The fields that the provider knows, missing ones as it declares them. */
function fitSettings(provider: StorageProvider, settings: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(provider.settings.properties);
  const known = Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
  return Value.Default(provider.settings, known) as Record<string, unknown>;
}
