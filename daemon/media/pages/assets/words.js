/** What went wrong, as a title and a sentence that says what to do. @typedef {[title: string, text: string]} Words */

/** @type {Record<string, Words>} */
const BY_CODE = {
  PLAYBACK_NOT_PUBLIC: ['This stream is private', 'You need a link with a token. Ask the operator for one.'],
  JOIN_TOKEN_INVALID: ['This link is no longer valid', 'It has expired, or it is for another room. Ask for a new one.'],
  APP_NOT_FOUND: ['There is no such stream', 'Check the address.'],
  VALIDATION_FAILED: ['There is no such stream', 'Check the address.'],
  LIVEKIT_NOT_CONFIGURED: ['Streaming is not set up', 'The operator has to connect a LiveKit server first.'],
  RATE_LIMITED: ['Too many requests', 'Many viewers share your network address. Trying again shortly.'],
  SHARE_USED_UP: ['Too many requests', 'Many viewers share your network address. Trying again shortly.'],
};

/** Failures that waiting does not mend. */
const FINAL = new Set(['PLAYBACK_NOT_PUBLIC', 'JOIN_TOKEN_INVALID', 'APP_NOT_FOUND', 'VALIDATION_FAILED']);

/** @param {any} error @returns {boolean} */
export const isFinal = (error) => FINAL.has(error?.code);

/** @param {any} error of a request to the daemon @returns {Words} */
export function daemonWords(error) {
  const known = BY_CODE[error?.code];
  if (known !== undefined) return known;
  if (typeof error?.status === 'number') return ['The server has a problem', String(error.message)];
  return ['The server is not responding', 'Check your connection. Trying again.'];
}

/**
 * Why the connection to a room ended; LiveKit's `DisconnectReason` by name.
 * @param {string} reason @returns {Words | null} null: connect again
 */
export function disconnectWords(reason) {
  switch (reason) {
    case 'DUPLICATE_IDENTITY':
      return ['Opened somewhere else', 'The same link is open in another window. Only one can be connected.'];
    case 'PARTICIPANT_REMOVED':
      return ['You were disconnected', 'The operator ended your connection.'];
    case 'JOIN_FAILURE':
      return ['The room could not be joined', 'The link may have expired. Ask for a new one.'];
    default:
      return null;
  }
}

/**
 * Why there is no camera, microphone or screen.
 * @param {any} error of getUserMedia or getDisplayMedia @param {'camera' | 'microphone' | 'screen'} what
 */
export function deviceWords(error, what) {
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return what === 'screen'
        ? 'The screen is not shared. Choose a window or screen to share it.'
        : `The browser may not use the ${what}. Allow it in the address bar, then try again.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
    case 'DevicesNotFoundError':
      return `No ${what} was found. Connect one, then try again.`;
    case 'NotReadableError':
    case 'AbortError':
    case 'TrackStartError':
      return `The ${what} is in use by another program, or the system blocks it.`;
    case 'InsecureContextError':
      return `Browsers only give a ${what} to pages with HTTPS. Open this page over HTTPS.`;
    case 'NotSupportedError':
    case 'TypeError':
      return `This browser cannot use a ${what} here.`;
    default:
      return `The ${what} could not be started: ${error?.message ?? error}`;
  }
}

/** @param {number} count */
export const viewersText = (count) => (count === 1 ? '1 viewer' : `${count.toLocaleString('en')} viewers`);

/** @param {number} seconds @returns {string} e.g. `1:02:09` */
export function clockText(seconds) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${Math.floor((seconds % 3600) / 60)}:${two(Math.floor(seconds % 60))}`;
  return hours === 0 ? rest : `${hours}:${rest.padStart(5, '0')}`;
}
