import { isLinkLocal, isPrivateAddress } from '#daemon/platform/net/addresses.ts';
import { isUrlHere } from '#shared/rules/hosts.ts';
import type { ClusterInfo } from '#shared/schema/cluster.ts';

/** Quotes any text as one word for a POSIX shell. */
export function shellQuote(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

export interface JoinCommandInput {
  /** Called only when there is an address to join at. */
  code: () => string;
  /** The name the code is bound to. */
  name: string | null;
  /** PUBLIC_BASE_URL or STREAMHUB_PUBLIC_URL; null = neither is set. */
  base: string | null;
  /** Where the operator's own request reached the daemon. */
  reachedAt: string | null;
  redisUrl: string | null;
}

/** The command that makes a machine an edge node of this daemon, and what could keep it from working there. */
export function joinCommand(input: JoinCommandInput): Pick<ClusterInfo, 'joinCommand' | 'notes'> {
  const base = input.base ?? input.reachedAt;
  if (base === null)
    return { joinCommand: '', notes: ['Set PUBLIC_BASE_URL, so that nodes know the daemon’s address.'] };
  const words = ['sh', '-s', '--', '--join', '--master-url', shellQuote(base)];
  if (input.name !== null) words.push('--node-name', shellQuote(input.name));
  // the pipe carries the code: arguments are shown in the process list, and sudo logs them
  const script = `echo STREAMHUB_JOIN_CODE=${shellQuote(input.code())}; curl -fsSL ${shellQuote(`${base}/install.sh`)}`;
  return {
    joinCommand: `{ ${script}; } | sudo ${words.join(' ')}`,
    notes: notesOn(base, input),
  };
}

function notesOn(base: string, { base: configured, redisUrl }: JoinCommandInput): string[] {
  const notes: string[] = [];
  if (configured === null)
    notes.push(`PUBLIC_BASE_URL is not set; the command uses the address of this request, ${base}.`);
  if (isUrlHere(base)) notes.push(`${base} is a loopback address, so the command works only on this machine.`);
  else if (isLinkLocal(hostOf(base)))
    notes.push(`${base} is a link-local address, so the command works only on machines on the same link.`);
  else if (base.startsWith('http://') && !isPrivate(base)) {
    notes.push('The address is not https: the join code and the LiveKit secret would cross the network unencrypted.');
  }
  if (redisUrl === null) {
    notes.push('STREAMHUB_CLUSTER_REDIS_URL is not set: nodes use Redis on port 6379 of the host in --master-url.');
  } else if (isUrlHere(redisUrl)) {
    notes.push('STREAMHUB_CLUSTER_REDIS_URL is a loopback address, which LiveKit on another machine cannot reach.');
  }
  return notes;
}

const hostOf = (url: string): string => {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return '';
  }
};

const isPrivate = (url: string): boolean => isPrivateAddress(hostOf(url));
