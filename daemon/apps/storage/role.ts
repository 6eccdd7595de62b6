import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { PutS3Body } from '#shared/schema/s3.ts';
import { placeId, ROLE_PROVIDER, type StorageCredentials } from './credentials.ts';
import type { StorageLocation } from './location.ts';
import type { RoleCredentialsOutput } from './tasks/role-credentials.ts';
import { ROLE_CREDENTIALS } from './tasks.ts';

/** Credentials to store a recording with. */
export interface RecordingCredentials {
  key: string;
  secret: string;
  /** Empty for credentials that don't expire. */
  sessionToken: string;
  /** Milliseconds since 1970; null = never. */
  expiresAt: number | null;
}

/** A storage and its current credentials. */
interface InForce {
  location: StorageLocation;
  credentials: StorageCredentials;
}

/**
 * Does a change of the storage choose the machine's role? The role reaches every bucket that AWS allows it, other teams' too.
 * So only an operator chooses it, and for each bucket again: another bucket, endpoint or provider is a new choice.
 * @returns true: the role; false: the access keys; undefined: keep what is stored for the place
 */
export function choosesRole(
  body: Pick<PutS3Body, 'credentials' | 'key' | 'secret'>,
  current: InForce,
  next: StorageLocation,
  isOperator: boolean,
): boolean | undefined {
  const givesKeys = Boolean(body.key || body.secret);
  if (body.credentials === 'role' && givesKeys)
    throw fieldError('body.credentials', 'is role: leave out key and secret, or choose keys');
  if (body.credentials === 'keys' || givesKeys) return false;
  const isInForce = current.credentials.role !== undefined;
  if (body.credentials === undefined && !isInForce) return undefined;
  if (next.provider !== ROLE_PROVIDER) {
    if (body.credentials === undefined) return false;
    throw fieldError('body.credentials', `is role, which only the provider ${ROLE_PROVIDER} has`);
  }
  if (isInForce && placeId(next) === placeId(current.location)) return true;
  if (!isOperator) throw new ApiError('STORAGE_ROLE_OPERATOR_ONLY');
  return true;
}

/** Asks a worker for credentials of the machine's role. @throws ApiError RECORDING_NOT_TAKEN */
export async function roleCredentials(pool: WorkerPool): Promise<RecordingCredentials> {
  const output = await pool.run<null, RoleCredentialsOutput>(ROLE_CREDENTIALS, null);
  if ('problem' in output) throw new ApiError('RECORDING_NOT_TAKEN', { what: '', reason: output.problem });
  return output;
}
