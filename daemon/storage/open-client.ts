import { Value } from 'typebox/value';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type {
  NetworkGuard,
  StorageClient,
  StorageContext,
  StorageProvider,
} from '#shared/plugin-sdk/storage-provider.ts';
import { type EndpointPolicy, endpointProblem, guardedLookup } from '../net/endpoint-policy.ts';
import { importProvider } from '../plugins/import-provider.ts';
import type { ProviderRef } from '../plugins/records.ts';
import type { StorageLocation } from './location.ts';

/** What a worker needs to open a storage: made by the daemon for one app and one task, and never stored. */
export interface StorageAccess {
  ref: ProviderRef;
  location: StorageLocation;
  credentials: Record<string, string>;
  policy: EndpointPolicy;
  /** The app's own folder; told to providers that keep their objects in it, and to no other. */
  appFolder: string;
}

/** The provider's code and the context to open it with. Runs in workers only. */
export async function prepareStorage(
  access: StorageAccess,
): Promise<{ provider: StorageProvider; context: StorageContext }> {
  const provider = await importProvider(access.ref);
  const settings = fitSettings(provider, access.location.settings);
  const context: StorageContext = {
    settings,
    credentials: access.credentials,
    guard: networkGuard(access.policy),
    ...(access.ref.inAppFolder ? { appFolder: access.appFolder } : {}),
  };
  const endpoint = provider.endpoint?.(settings);
  if (endpoint !== undefined) context.guard.check(endpoint);
  return { provider, context };
}

/** Opens a storage. Runs in workers only. */
export async function openStorage(
  access: StorageAccess,
): Promise<{ provider: StorageProvider; client: StorageClient }> {
  const { provider, context } = await prepareStorage(access);
  return { provider, client: await provider.open(context) };
}

/** The installation's rules as providers see them. */
export function networkGuard(policy: EndpointPolicy): NetworkGuard {
  const refused = (reason: string) => new StorageError('ENDPOINT_REFUSED', { detail: `It ${reason}.` });
  return {
    check(url) {
      const problem = endpointProblem(url, policy);
      if (problem !== undefined) throw refused(problem);
    },
    lookup: guardedLookup(policy, refused),
  };
}

/** The fields that the provider knows, missing ones as it declares them. */
export function fitSettings(provider: StorageProvider, settings: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(provider.settings.properties);
  const known = Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
  return Value.Default(provider.settings, known) as Record<string, unknown>;
}
