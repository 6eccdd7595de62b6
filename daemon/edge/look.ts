import { connect } from 'node:net';
import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import type { Look, Looked } from '#shared/schema/cluster.ts';

const LIMIT_MS = 4000;

/** Tries to connect to each address from this machine. Never rejects. */
export async function lookAt({ id, targets }: Look): Promise<Looked> {
  return { id, results: await Promise.all(targets.map(tryTarget)) };
}

function tryTarget({ host, port }: Look['targets'][number]): Promise<Looked['results'][number]> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (problem: string | null): void => {
      socket.destroy();
      resolve({ host, port, problem });
    };
    socket.setTimeout(LIMIT_MS, () => end('no answer'));
    socket.once('connect', () => end(null));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(networkFailure(code) ?? code ?? 'it failed'));
  });
}
