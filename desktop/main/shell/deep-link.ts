import { baseUrl } from '#shared/connection/address.ts';
import type { ShellCommand } from '#shared/ipc/desktop.ts';

/** Scheme that the system hands to this app. */
export const LINK_SCHEME = 'streamhub';

/**
 * What a `streamhub://` link asks for. Anyone can put such a link on a page, so it opens the form for a new connection
 * with an address in it and does nothing else: it never connects, never carries a credential, never names a page to go to.
 */
export function readDeepLink(link: string): ShellCommand | undefined {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return undefined;
  }
  if (url.protocol !== `${LINK_SCHEME}:` || url.host !== 'connect') return undefined;
  const address = url.searchParams.get('url');
  if (address === null) return { kind: 'add-connection', url: null };
  try {
    return { kind: 'add-connection', url: baseUrl(address) };
  } catch {
    return undefined;
  }
}

/** The first link among a process's arguments; that is how a second start hands it over. */
export function linkIn(args: readonly string[]): ShellCommand | undefined {
  for (const arg of args) {
    const command = arg.startsWith(`${LINK_SCHEME}:`) ? readDeepLink(arg) : undefined;
    if (command !== undefined) return command;
  }
  return undefined;
}
