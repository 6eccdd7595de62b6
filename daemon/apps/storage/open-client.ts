import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { BrokerClient } from '#daemon/plugins/broker-client.ts';
import { loadProvider } from '#daemon/plugins/load-provider.ts';
import { networkGuard } from '#daemon/plugins/network-guard.ts';
import { declaredOnly, requireCredentials } from '#daemon/plugins/provider-calls.ts';
import type { ProviderRef } from '#daemon/plugins/records.ts';
import type {
  StorageCapabilities,
  StorageClient,
  StorageContext,
  StorageProvider,
} from '#shared/plugin-sdk/storage-provider.ts';
import { ROLE_PROVIDER } from './credentials.ts';
import type { StorageLocation } from './location.ts';
import { machineRole } from './machine-role.ts';

/** What a worker needs to open a storage: made by the daemon for one app and one task, and never stored. */
export interface StorageAccess {
  ref: ProviderRef;
  location: StorageLocation;
  credentials: Record<string, string>;
  policy: EndpointPolicy;
  /** The app's own folder; given only to providers that keep their objects in it. */
  appFolder: string;
}

/** The plugin that may be given the machine's role; an installed one of that name is refused. */
const BUILT_IN_S3 = 'storage-s3';

/** The parts of a provider that tasks use. */
export type OpenableProvider = Required<Pick<StorageProvider, 'endpoint' | 'open' | 'maxDeleteBatch' | 'capabilities'>>;

/** The provider and the context to open it with. Runs in workers only. @throws StorageError */
export async function prepareStorage(
  access: StorageAccess,
  broker: BrokerClient,
): Promise<{ provider: OpenableProvider; context: StorageContext }> {
  const provider = await loadProvider(access.ref, broker);
  const validated = await provider.validate(access.location.settings, null);
  const { settings, endpoint, maxDeleteBatch, capabilities } = validated;
  const { role, ...stored } = access.credentials;
  const isOurs = access.ref.plugin === BUILT_IN_S3 && access.ref.provider === ROLE_PROVIDER;
  const usesRole = role !== undefined && isOurs;
  const context: StorageContext = {
    settings,
    credentials: declaredOnly(validated.credentials, stored),
    ...(usesRole ? { session: await machineRole() } : {}),
    guard: networkGuard(access.policy),
    ...(access.ref.inAppFolder ? { appFolder: access.appFolder } : {}),
  };
  if (endpoint !== null) context.guard.check(endpoint);
  return {
    provider: {
      maxDeleteBatch,
      capabilities,
      endpoint: () => endpoint ?? undefined,
      open: async (given) => {
        if (!usesRole) requireCredentials(validated.credentials, stored);
        return provider.open(given);
      },
    },
    context,
  };
}

/** An open storage, and what it can do. */
export interface OpenStorage {
  client: StorageClient;
  /** Keys that a call of `deleteMany` is given at most. */
  maxDeleteBatch: number;
  capabilities: StorageCapabilities;
}

/** Opens a storage. Runs in workers only. @throws StorageError */
export async function openStorage(access: StorageAccess, broker: BrokerClient): Promise<OpenStorage> {
  const { provider, context } = await prepareStorage(access, broker);
  const { maxDeleteBatch, capabilities } = provider;
  return { client: await provider.open(context), maxDeleteBatch, capabilities };
}
