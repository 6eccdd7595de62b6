import type { ProviderRef } from '#daemon/plugins/records.ts';
import { ApiError } from '#shared/errors.ts';

/** A provider that can't be used now. @param problem why; the host's own sentences begin with the plugin's id */
export function providerUnavailable({ provider, plugin }: ProviderRef, problem: string): ApiError {
  const named = `${plugin} `;
  const reason = problem.startsWith(named) ? problem.slice(named.length) : `failed: ${problem}`;
  return new ApiError('STORAGE_PROVIDER_UNAVAILABLE', { provider, plugin, reason });
}
