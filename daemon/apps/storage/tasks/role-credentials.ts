import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { machineRole } from '../machine-role.ts';

/** Credentials for LiveKit's egress service, or why there are none. */
export type RoleCredentialsOutput =
  | { key: string; secret: string; sessionToken: string /** Milliseconds since 1970. */; expiresAt: number | null }
  | { problem: string };

/** Asks for fresh credentials of the machine's role. */
export default async function roleCredentials(): Promise<RoleCredentialsOutput> {
  try {
    const credentials = await (await machineRole())();
    const { accessKeyId: key, secretAccessKey: secret, sessionToken = '', expiration } = credentials;
    return { key, secret, sessionToken, expiresAt: expiration?.getTime() ?? null };
  } catch (error) {
    if (error instanceof StorageError) return { problem: `${error.message} ${error.cure}` };
    throw error;
  }
}
