import type { Send } from './client.ts';

/**
 * Sends by `fetch`. `credential` is asked for each request, so that a new sign-in holds at once.
 * @param base origin of the daemon, without a slash at the end; empty for the page's own origin
 */
export function fetchSend(base: string, credential: () => string | undefined, fetchFn: typeof fetch = fetch): Send {
  return async (request, signal) => {
    const secret = credential();
    const response = await fetchFn(base + request.path, {
      method: request.method,
      headers: { ...request.headers, ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }) },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal,
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  };
}
