import { randomBytes } from 'node:crypto';
import { clientOn } from '#shared/connection/client-on.ts';
import { endSession, signIn } from '#shared/connection/sign-in.ts';
import { createToken } from '#shared/contract/tokens.ts';
import { failure } from '#shared/ipc/outcome.ts';
import { type Route, Transport } from '../connections/transport.ts';

const secret = (): string => randomBytes(32).toString('base64url');

/** A first token for a daemon that has none yet. */
export const newToken = (): string => `sk_${secret()}`;

/** A credential for this one start, passed in the daemon's environment and known to no one else. */
export function emergencySettings(): { ADMIN_USER: string; ADMIN_PASS: string } {
  return { ADMIN_USER: 'desktop', ADMIN_PASS: secret() };
}

/** Makes another token on a daemon that was started with those settings. */
export async function makeToken(route: Route, way: { ADMIN_USER: string; ADMIN_PASS: string }): Promise<string> {
  const transport = new Transport(route);
  try {
    const credential = { kind: 'password', user: way.ADMIN_USER, password: way.ADMIN_PASS } as const;
    const session = await signIn(transport, credential);
    const body = { name: 'StreamHub desktop', scope: 'global' } as const;
    const made = await clientOn(transport, session.token).call(createToken, { body }).result();
    await endSession(transport, session).catch(() => {});
    if (made.ok) return made.data.token;
    throw failure('LOCAL_FAILED', { reason: made.error.message.replace(/\.$/, '') });
  } finally {
    await transport.close();
  }
}
