import { STATUS_CODES } from 'node:http';
import type { IngressInfo } from 'livekit-server-sdk';
import { MASK } from '#shared/config/annotations.ts';
import { shownAddress } from '#shared/secrets.ts';
import { notTaken } from './errors.ts';

const LONGEST = 300;
/** Processors that an ingress service sets aside for what it encodes (its defaults). */
export const INGRESS_CPUS = 2;

/** What LiveKit's ingress service and its GStreamer say, and what it means; measured, and read in their sources. */
const MEANINGS: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /server capacity exceeded|no response from servers/i,
    `The ingress service did not take it: ${notTaken('ingress', INGRESS_CPUS).hint}`,
  ],
  [/server shutting down/i, 'The ingress service is stopping. Connect the encoder again.'],
  [/source encoder not ready/i, 'Nothing to play arrived from the source in time. Check that it is sending.'],
  [
    /i\/o timeout|connection reset|broken pipe|use of closed network connection|ice (?:connection )?failed/i,
    'The connection to the encoder was lost.',
  ],
  [
    /could not resolve|no such host|name or service not known/i,
    'The source’s host name is not known. Check its address.',
  ],
  [
    /could not connect|cannot connect|connection refused|no route to host|could not establish connection/i,
    'No server answers at the source’s address. Check the address and its firewall.',
  ],
  [/secure connection|\btls\b|\bssl\b|certificate/i, 'The source’s TLS certificate is not accepted.'],
  [
    /internal data stream error|internal data flow error/i,
    'The source can’t be read: no server answers at its address, or what it sends is not a stream that LiveKit plays.',
  ],
  [
    /determine type|enough data|demultiplex|decode|plug-?in|unsupported|not supported|not.negotiated|wrong type/i,
    'LiveKit can’t play what is sent. Send H.264 or VP8 with AAC or Opus.',
  ],
];

const REASONS = new Map(Object.entries(STATUS_CODES).map(([code, phrase]) => [phrase?.toLowerCase(), Number(code)]));

/**
 * Why an ingest failed, in words and with LiveKit's own. Without the stream key, a source's password and paths
 * of LiveKit's machine, all of which its texts can repeat.
 * @returns an empty text if nothing failed
 */
export function ingressError({ state, streamKey }: IngressInfo): string {
  const said = cleaned(state?.error ?? '', streamKey);
  if (said === '') return '';
  const meaning = meaningOf(said);
  return meaning === undefined ? said : `${meaning} LiveKit says: ${said}`;
}

function meaningOf(said: string): string | undefined {
  const status = REASONS.get(said.toLowerCase());
  if (status !== undefined && status >= 300) return `The source’s server answered with ${status}. ${cureFor(status)}`;
  return MEANINGS.find(([pattern]) => pattern.test(said))?.[1];
}

function cureFor(status: number): string {
  if (status >= 500) return 'It can’t serve the source now; try again later.';
  if (status === 401 || status === 403 || status === 407) return 'Check the user name and password in the address.';
  if (status === 429) return 'It is asked too often; try again later.';
  if (status < 400) return 'Use the address that it redirects to.';
  return 'Check the address.';
}

function cleaned(text: string, streamKey: string): string {
  let clean = [...new Set(text.split(/\s*\n\s*/))].join(' ').trim();
  if (streamKey !== '') clean = clean.replaceAll(streamKey, MASK);
  clean = shownAddress(clean, MASK).replace(/(^|[\s"'`(=])(?:file:\/\/)?\/[^\s"'`)]+/g, '$1…');
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST - 1)}…` : clean;
}
