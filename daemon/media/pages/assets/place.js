/**
 * Which room a page is for, from its own address: `…/watch/<app>/<room>#token=…&region=…`. The token is in the fragment,
 * which browsers send to no server. Links without a token can have the region as a parameter. LiveKit's address comes from
 * the daemon alone: one in a link could be anyone's.
 * @param {{ pathname: string, hash: string, search?: string }} location
 */
export function placeOf({ pathname, hash, search = '' }) {
  const [room = '', app = ''] = pathname.split('/').filter(Boolean).reverse().map(decodeURIComponent);
  const [fragment, query] = [new URLSearchParams(hash.replace(/^#/, '')), new URLSearchParams(search)];
  /** @param {string} name */
  const given = (name) => fragment.get(name) || query.get(name) || null;
  return { app, room, token: given('token'), region: given('region')?.slice(0, 64) ?? null };
}

/**
 * What a join token says of itself. LiveKit decides; the page only shows what makes sense.
 * @param {string | null} token
 * @returns {{ canPublish: boolean, canPublishData: boolean, isHidden: boolean, name: string, sources: string[] | null } | null}
 */
export function rightsIn(token) {
  try {
    const part = (token ?? '').split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const { video, name } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof video !== 'object' || video === null) return null;
    return {
      canPublish: video.canPublish !== false,
      canPublishData: video.canPublishData !== false,
      isHidden: video.hidden === true,
      name: typeof name === 'string' ? name : '',
      sources: Array.isArray(video.canPublishSources) ? video.canPublishSources : null,
    };
  } catch {
    return null;
  }
}
