import { Value } from 'typebox/value';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type {
  CredentialField,
  SettingsChange,
  SettingsFinding,
  StorageCapabilities,
  StorageProvider,
} from '#shared/plugin-sdk/storage-provider.ts';

/** Settings after a provider completed and validated them. */
export interface ValidatedSettings {
  /** In the form in which the provider stores them. */
  settings: Record<string, unknown>;
  findings: SettingsFinding[];
  /** Names of given settings that the provider doesn't have. */
  unknown: string[];
  /** The URL that a client opened with them connects to; null when it uses no network. */
  endpoint: string | null;
  /** Keys that a call of `deleteMany` is given at most; one where the storage deletes one by one. */
  maxDeleteBatch: number;
  capabilities: StorageCapabilities;
  /** The credentials that it declares. */
  credentials: DeclaredCredential[];
}

export type DeclaredCredential = Pick<CredentialField, 'name' | 'required'>;

/** Are the credentials stored that a provider can't do without? */
export const hasRequired = (
  declared: readonly DeclaredCredential[],
  stored: Readonly<Record<string, string | undefined>>,
): boolean => declared.every(({ name, required }) => !required || Boolean(stored[name]));

/** @throws StorageError CREDENTIALS_MISSING */
export function requireCredentials(
  declared: readonly DeclaredCredential[],
  stored: Readonly<Record<string, string | undefined>>,
): void {
  if (!hasRequired(declared, stored)) throw new StorageError('CREDENTIALS_MISSING');
}

/** What a provider is given of the app's credentials: only those that it declares. */
export const declaredOnly = (
  declared: readonly DeclaredCredential[],
  stored: Readonly<Record<string, string>>,
): Record<string, string> => Object.fromEntries(declared.map(({ name }) => [name, stored[name] ?? '']));

/**
 * Lets a provider complete and validate settings. Runs where the provider's code runs.
 * @param change absent when nothing changes: then the settings are only brought into form
 */
export function validateSettings(
  provider: StorageProvider,
  given: Record<string, unknown>,
  change: SettingsChange | null,
): ValidatedSettings {
  const { bulkDelete, presign, versions, multipart } = provider.capabilities;
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(provider.settings.properties, name));
  const facts = {
    maxDeleteBatch: bulkDelete ? provider.maxDeleteBatch : 1,
    capabilities: { bulkDelete, presign, versions, multipart },
    credentials: provider.credentials.map(({ name, required }) => ({ name, required })),
    unknown,
  };
  const fitted = fitSettings(provider, given);
  if (change === null) return { settings: fitted, findings: [], endpoint: endpointOf(provider, fitted), ...facts };
  const problems = describeProblems(provider.settings, fitted);
  if (problems.length > 0) {
    const findings = problems.map((problem): SettingsFinding => {
      const [path = '', ...words] = problem.split(' ');
      return { path, message: words.join(' '), severity: 'error' };
    });
    return { settings: fitted, findings, endpoint: null, ...facts };
  }
  const settings = provider.normalise?.(fitted, change) ?? fitted;
  const findings = provider.validate?.(settings) ?? [];
  return { settings, findings, endpoint: endpointOf(provider, settings), ...facts };
}

/** @throws StorageError UNSUPPORTED when the manifest promises a target and the provider has none */
export function targetOf(
  provider: StorageProvider,
  settings: Record<string, unknown>,
  credentials: Readonly<Record<string, string>>,
): EgressTarget {
  if (provider.egressTarget === undefined)
    throw new StorageError('UNSUPPORTED', { detail: `The provider ${provider.id} has no egressTarget.` });
  return provider.egressTarget(settings, credentials);
}

const endpointOf = (provider: StorageProvider, settings: Record<string, unknown>): string | null =>
  provider.endpoint?.(settings) ?? null;

/** The fields that the provider knows, missing ones as it declares them. */
function fitSettings(provider: StorageProvider, settings: Record<string, unknown>): Record<string, unknown> {
  const { properties } = provider.settings;
  const known = Object.fromEntries(Object.entries(settings).filter(([name]) => Object.hasOwn(properties, name)));
  return Value.Default(provider.settings, known) as Record<string, unknown>;
}
