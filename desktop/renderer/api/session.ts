import { forgetOnline } from '../daemon/was-online.ts';
import { bridge } from '../host/host.ts';
import { queryClient } from './query.ts';

/** Ends the session on purpose: what was read with it is dropped too. */
export async function signOut(connectionId: string): Promise<void> {
  forgetOnline(connectionId);
  await bridge().signOut(connectionId);
  queryClient.removeQueries({ queryKey: [connectionId] });
}
