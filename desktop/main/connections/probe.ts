import semver from 'semver';
import * as shared from '#shared/connection/probe.ts';
import type { Transport } from '#shared/connection/transport.ts';
import { schemaError, withoutUnknownKeys } from '#shared/ipc/check.ts';
import { failure } from '#shared/ipc/failure.ts';
import { AuthContext } from '#shared/schema/auth.ts';

/** Daemon versions that this app supports. */
const SUPPORTED = '>=0.1.0';

/** As the shared check, and the daemon's version must be one that this app supports. @throws UNSUPPORTED_VERSION too */
export async function checkHealth(transport: Transport, signal?: AbortSignal): Promise<shared.Health> {
  const health = await shared.checkHealth(transport, signal);
  if (semver.satisfies(health.version, SUPPORTED, { includePrerelease: true })) return health;
  throw failure(
    'UNSUPPORTED_VERSION',
    { version: health.version, needed: SUPPORTED },
    { hint: 'Update the daemon, or use the app that came with it.' },
  );
}

/** As the shared check; an account that doesn't fit the schema counts as none, because the daemon can be of another version. */
export async function recognise(
  transport: Transport,
  token: string,
  signal?: AbortSignal,
): Promise<shared.Recognition> {
  const recognition = await shared.recognise(transport, token, signal);
  if (!recognition.accepted || recognition.account === null) return recognition;
  const account = withoutUnknownKeys(AuthContext, recognition.account);
  return { accepted: true, account: schemaError(AuthContext, account) === undefined ? account : null };
}
