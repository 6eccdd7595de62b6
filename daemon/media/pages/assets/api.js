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

/** @typedef {import('#shared/schema/watch.ts').WatchViewers} WatchViewers */
/** @typedef {{ app: string, room: string, token: string | null, region: string | null }} Place */

/**
 * What the page needs to play the room.
 * @param {Place} place
 * @returns {Promise<WatchView>}
 */
export const askWatch = (place) =>
  ask(place, place.region === null ? '' : `?${new URLSearchParams({ region: place.region })}`);

/**
 * Says that this page plays the live HLS, or no longer does: its viewer is in no room that could be counted.
 * @param {Place} place @param {string} viewer @param {boolean} [gone]
 * @returns {Promise<WatchViewers>}
 */
export const countViewer = (place, viewer, gone = false) =>
  ask(place, '/viewers', {
    method: 'POST',
    body: JSON.stringify({ viewer, gone }),
    headers: { 'content-type': 'application/json' },
    // arrives even if the page is closed
    keepalive: gone,
  });

/** @param {Place} place @param {string} more @param {RequestInit & { headers?: Record<string, string> }} [init] */
async function ask({ app, room, token }, more, init = {}) {
  const address = `api/v1/apps/${encodeURIComponent(app)}/watch/${encodeURIComponent(room)}${more}`;
  const response = await fetch(new URL(address, document.baseURI), {
    ...init,
    headers: { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(15_000),
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new DaemonError(response.status, body, Number(response.headers.get('retry-after')) || 0);
  return body.data;
}
