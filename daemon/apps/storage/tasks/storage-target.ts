import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { loadProvider } from '#daemon/plugins/load-provider.ts';
import { declaredOnly, requireCredentials } from '#daemon/plugins/provider-calls.ts';
import { detailOf } from '#daemon/plugins/wire/protocol.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { checkedTarget } from '../egress-target.ts';
import type { StorageAccess } from '../open-client.ts';

export interface StorageTargetInput {
  access: Pick<StorageAccess, 'ref' | 'location' | 'credentials' | 'policy'>;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

export type StorageTargetOutput =
  | { target: EgressTarget }
  /** Why there is none, as sentences. */
  | { problem: string }
  /** The plugin failed while it was asked. */
  | { failure: string }
  /** The plugin can't be asked now. */
  | { unavailable: string };

/** Asks a provider how LiveKit writes to its storage. */
export default async function storageTarget({ access, port }: StorageTargetInput): Promise<StorageTargetOutput> {
  const { ref, location, credentials, policy } = access;
  let isThere = false;
  try {
    return await withPlugins(port, async (broker) => {
      const provider = await loadProvider(ref, broker);
      isThere = true;
      const validated = await provider.validate(location.settings, null);
      const { sessionToken = '', ...stored } = credentials;
      requireCredentials(validated.credentials, stored);
      const given = { ...declaredOnly(validated.credentials, stored), sessionToken };
      return { target: checkedTarget(await provider.egressTarget(validated.settings, given), policy) };
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const reason = detailOf(error).replace(/\.$/, '');
    if (!isThere) return { unavailable: reason };
    return error.code === 'PLUGIN_FAILED' ? { failure: reason } : { problem: `${error.message} ${error.cure}` };
  }
}
