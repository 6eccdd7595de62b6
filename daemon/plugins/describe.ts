import type { TObject } from 'typebox';
import { Value } from 'typebox/value';
import type { Plugin } from '#shared/plugin-sdk/plugin.ts';
import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import { type PluginRefusal, refusal } from '#shared/plugin-sdk/problems.ts';
import type { StorageProvider } from '#shared/plugin-sdk/storage-provider.ts';
import { isOptionValue, OPTION_VALUES } from '#shared/schema/s3.ts';
import { CredentialFields, StorageCapabilitiesShape } from './provider-shape.ts';
import type { ProviderDescription } from './records.ts';

/** Says what a plugin exports. @throws PluginRefusal when that is not what its manifest says */
export function describeProviders(plugin: Plugin, ids: readonly string[]): ProviderDescription[] {
  const { storageProviders = [] } = plugin;
  if (!Array.isArray(storageProviders))
    throw refusal('PROVIDER_INVALID', { detail: 'its storageProviders are not a list' });
  const exported = storageProviders.map((provider) => provider?.id);
  const missing = ids.filter((id) => !exported.includes(id));
  if (missing.length > 0) throw refusal('PROVIDER_NOT_EXPORTED', { detail: missing.join(', ') });
  const extra = exported.filter((id) => !ids.includes(id));
  if (extra.length > 0) throw refusal('PROVIDER_NOT_IN_MANIFEST', { detail: extra.join(', ') });
  return ids.map((id) => describe(storageProviders.find((candidate) => candidate.id === id) as StorageProvider));
}

function describe(provider: StorageProvider): ProviderDescription {
  const { id, docsUrl = null, capabilities, credentials, settings, maxDeleteBatch } = provider;
  const problems = [
    ...describeProblems(StorageCapabilitiesShape, capabilities).map((text) => `capabilities: ${text}`),
    ...describeProblems(CredentialFields, credentials).map((text) => `credentials: ${text}`),
  ];
  if (settings?.type !== 'object' || typeof settings.properties !== 'object')
    problems.push('settings is not an object schema');
  else problems.push(...settingsProblems(settings));
  if (typeof provider.open !== 'function') problems.push('open is not a function');
  if (!Number.isInteger(maxDeleteBatch) || maxDeleteBatch < 1 || maxDeleteBatch > 1000)
    problems.push('maxDeleteBatch must be 1 to 1000');
  if (problems.length > 0) throw invalid(id, problems.join('; '));
  const data = { id, docsUrl, capabilities, credentials, settings, maxDeleteBatch };
  const text = JSON.stringify(data);
  if (text.length > 100_000) throw invalid(id, 'its settings schema is too large');
  return JSON.parse(text) as ProviderDescription;
}

/** What would keep people from ever entering valid settings. */
function settingsProblems(settings: TObject): string[] {
  const problems: string[] = [];
  for (const [name, field] of Object.entries(settings.properties)) {
    const { type, default: value } = (field ?? {}) as { type?: unknown; default?: unknown };
    const isRequired = settings.required?.includes(name) === true;
    if (value !== undefined && !isOptionValue(value))
      problems.push(`the default of settings.${name} is not ${OPTION_VALUES}`);
    else if (isRequired && (type === 'array' || type === 'object'))
      problems.push(`settings.${name} is an ${type}, and a setting is ${OPTION_VALUES}`);
  }
  try {
    describeProblems(settings, Value.Default(settings, {}));
  } catch (error) {
    problems.push(`settings can't be checked: ${(error as Error).message}`);
  }
  return problems;
}

const invalid = (id: string, what: string): PluginRefusal =>
  refusal('PROVIDER_INVALID', { detail: `the storage provider ${id}: ${what}` });
