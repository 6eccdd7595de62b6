import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import type { SettingsChange, SettingsFinding } from '#shared/plugin-sdk/storage-provider.ts';
import { type EndpointPolicy, endpointProblem } from '../../net/endpoint-policy.ts';
import { importProvider } from '../../plugins/import-provider.ts';
import type { ProviderRef } from '../../plugins/records.ts';
import { fitSettings } from '../../storage/open-client.ts';

export interface StorageSettingsInput {
  ref: ProviderRef;
  /** The settings in force with the change already in them. */
  settings: Record<string, unknown>;
  change: SettingsChange;
  policy: EndpointPolicy;
}

export interface StorageSettingsOutput {
  /** As the provider wants them stored. */
  settings: Record<string, unknown>;
  findings: SettingsFinding[];
}

/** Lets a provider complete and judge its settings. */
export default async function storageSettings(input: StorageSettingsInput): Promise<StorageSettingsOutput> {
  const provider = await importProvider(input.ref);
  const fitted = fitSettings(provider, input.settings);
  const problems = describeProblems(provider.settings, fitted);
  if (problems.length > 0) {
    const findings = problems.map((problem): SettingsFinding => {
      const [path = '', ...words] = problem.split(' ');
      return { path, message: words.join(' '), severity: 'error' };
    });
    return { settings: fitted, findings };
  }
  const settings = provider.normalise?.(fitted, input.change) ?? fitted;
  const findings = provider.validate?.(settings) ?? [];
  const endpoint = provider.endpoint?.(settings);
  const refused = endpoint === undefined ? undefined : endpointProblem(endpoint, input.policy);
  if (refused !== undefined) findings.push({ path: 'endpoint', message: refused, severity: 'error' });
  return { settings, findings };
}
