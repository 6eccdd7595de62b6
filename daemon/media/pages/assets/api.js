/** An answer of the daemon that is no success. */
export class DaemonError extends Error {
  /** @param {number} status @param {{ code?: string, message?: string } | null} body @param {number} retryAfter seconds */
  constructor(status, body, retryAfter = 0) {
    super(body?.message ?? `The server answered with ${status}.`);
    this.status = status;
    this.code = body?.code ?? '';
    this.retryAfter = retryAfter;
  }
}

/** @typedef {import('#shared/schema/watch.ts').WatchView} WatchView */

/**
 * What the page needs to play the room.
 * @param {{ app: string, room: string, token: string | null }} place
 * @returns {Promise<WatchView>}
 */
export async function askWatch({ app, room, token }) {
  const address = `api/v1/apps/${encodeURIComponent(app)}/watch/${encodeURIComponent(room)}`;
  const response = await fetch(new URL(address, document.baseURI), {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(15_000),
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new DaemonError(response.status, body, Number(response.headers.get('retry-after')) || 0);
  return body.data;
}
