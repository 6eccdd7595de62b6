/** Path below which this page is served, without a slash at its end: empty at the root of a host. */
export const BASE_PATH: string = new URL(document.baseURI).pathname.replace(/\/$/, '');

/** Address of the daemon that served this page. */
export const HERE_URL: string = location.origin + BASE_PATH;

/** Broadcast channel on which the tabs of one browser say that somebody signed in or out. */
export const TABS_CHANNEL = `streamhub${BASE_PATH}`;
