import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from '#shared/plugin-sdk/plugin.ts';
import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import { refusal } from '#shared/plugin-sdk/problems.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { StorageProvider } from '#shared/plugin-sdk/storage-provider.ts';
import { BUNDLED_SDK } from '../paths.ts';
import { CredentialFields, StorageCapabilitiesShape } from './provider-shape.ts';
import type { ProviderDescription, ProviderRef } from './records.ts';

const SDK = /^streamhub\/plugin-sdk(?:\/(s3|conformance))?$/;
let resolvesSdk = false;

/** Lets plugins outside of StreamHub's own folder import its SDK by name. */
function installResolver(): void {
  if (resolvesSdk) return;
  resolvesSdk = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const match = SDK.exec(specifier);
      if (match === null) return next(specifier, context);
      if (BUNDLED_SDK === null) return next(specifier, { ...context, parentURL: import.meta.url });
      const file = path.join(BUNDLED_SDK, `${match[1] ?? 'index'}.js`);
      return { url: pathToFileURL(file).href, format: 'module', shortCircuit: true };
    },
  });
}

/** Imports a plugin's code. Only ever called inside a worker. */
async function importPlugin(entry: string): Promise<Plugin> {
  installResolver();
  const module = (await import(entry)) as { default?: unknown };
  const plugin = module.default;
  if (typeof plugin !== 'object' || plugin === null) throw refusal('CODE_NO_EXPORT');
  return plugin as Plugin;
}

/** A provider's code. @throws StorageError UNSUPPORTED when its plugin does not export it. */
export async function importProvider(ref: ProviderRef): Promise<StorageProvider> {
  const plugin = await importPlugin(ref.entry);
  const provider = plugin.storageProviders?.find((candidate) => candidate.id === ref.provider);
  if (provider === undefined)
    throw new StorageError('UNSUPPORTED', { detail: `The plugin ${ref.plugin} does not export ${ref.provider}.` });
  return provider as StorageProvider;
}

/** Runs a plugin's entry and says what it exports; throws when that is not what its manifest says. */
export async function describeProviders(entry: string, ids: readonly string[]): Promise<ProviderDescription[]> {
  const { storageProviders = [] } = await importPlugin(entry);
  const exported = storageProviders.map((provider) => provider.id);
  const missing = ids.filter((id) => !exported.includes(id));
  if (missing.length > 0) throw refusal('PROVIDER_NOT_EXPORTED', { detail: missing.join(', ') });
  const extra = exported.filter((id) => !ids.includes(id));
  if (extra.length > 0) throw refusal('PROVIDER_NOT_IN_MANIFEST', { detail: extra.join(', ') });
  return ids.map((id) => describe(storageProviders.find((candidate) => candidate.id === id) as StorageProvider));
}

function describe(provider: StorageProvider): ProviderDescription {
  const { id, title, description = '', docsUrl = null, capabilities, credentials, settings, maxDeleteBatch } = provider;
  const problems = [
    ...describeProblems(StorageCapabilitiesShape, capabilities).map((text) => `capabilities: ${text}`),
    ...describeProblems(CredentialFields, credentials).map((text) => `credentials: ${text}`),
  ];
  if (settings?.type !== 'object' || typeof settings.properties !== 'object')
    problems.push('settings is not an object schema');
  if (typeof provider.open !== 'function') problems.push('open is not a function');
  if (!Number.isInteger(maxDeleteBatch) || maxDeleteBatch < 1 || maxDeleteBatch > 1000)
    problems.push('maxDeleteBatch must be 1 to 1000');
  if (problems.length > 0) {
    throw refusal('PROVIDER_INVALID', { detail: `the storage provider ${id}: ${problems.join('; ')}` });
  }
  const data = { id, title, description, docsUrl, capabilities, credentials, settings, maxDeleteBatch };
  return JSON.parse(JSON.stringify(data)) as ProviderDescription;
}
