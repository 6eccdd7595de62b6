// LiveKit's client and hls.js, as the daemon serves them.
// @ts-expect-error an address of the daemon, not a file beside this one
import * as client from '../sdk/livekit-client.mjs';

/** @type {typeof import('livekit-client')} */
export const livekit = client;
// its own default tells everything that happens
livekit.setLogLevel('warn');

/** Loaded when HLS is played. @returns {Promise<typeof import('hls.js').default>} */
export async function loadHls() {
  // @ts-expect-error an address of the daemon
  return (await import('../sdk/hls.mjs')).default;
}
