import { revokeOtherSessions } from '#shared/contract/auth.ts';
import { forgetSignedIn } from '../daemon/signed-in.ts';
import { clientFor } from '../host/clients.ts';
import { bridge } from '../host/host.ts';
import { queryClient } from './query.ts';

/** Ends the session on purpose: what was read with it is dropped too. */
export async function signOut(connectionId: string): Promise<void> {
  forgetSignedIn(connectionId);
  await bridge().signOut(connectionId);
  queryClient.removeQueries({ queryKey: [connectionId] });
}

/** Ends all sessions of the account, then this one. @throws the daemon's error; then this browser stays signed in */
export async function signOutEverywhere(connectionId: string): Promise<void> {
  await clientFor(connectionId).call(revokeOtherSessions);
  await signOut(connectionId);
}

/** Another tab signed out: this tab drops its data too. */
export function signedOutElsewhere(connectionId: string): void {
  forgetSignedIn(connectionId);
  queryClient.removeQueries({ queryKey: [connectionId] });
}
