import { guardedAgents } from '#daemon/platform/net/guarded-agents.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { SessionCredentials } from '#shared/plugin-sdk/storage-provider.ts';

/**
 * The credentials of this machine's AWS role, as the AWS SDK finds them: web identity token, profile of the user, container,
 * instance metadata (IMDSv2). Runs in workers only: nothing else of the daemon, and no plugin, reaches the metadata service.
 * @returns a function that renews them before they expire. @throws StorageError ROLE_UNAVAILABLE
 */
export async function machineRole(): Promise<() => Promise<SessionCredentials>> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const { env } = process;
  // a client without credentials has the SDK's default provider chain; it is never sent a request
  const client = new S3Client({
    region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1',
    // of the token service, by the proxy where there is one
    requestHandler: requestHandler(),
  });
  return async () => {
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await client.config.credentials();
      return { accessKeyId, secretAccessKey, sessionToken, expiration };
    } catch (error) {
      // its message may tell paths and addresses of this machine
      throw new StorageError('ROLE_UNAVAILABLE', { native: (error as Error).name });
    }
  };
}

function requestHandler() {
  const agents = guardedAgents({ denyPrivate: false }, { keepAlive: false });
  return { httpAgent: agents.http, httpsAgent: agents.https, connectionTimeout: 10_000, requestTimeout: 10_000 };
}
