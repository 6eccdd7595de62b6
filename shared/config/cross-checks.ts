import { isCallbackEvent } from '../schema/callbacks.ts';
import { isRecord } from './case.ts';
import type { Findings } from './findings.ts';

/** Reads a value below a parsed text, or undefined. */
export function valueAt(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((at, part) => (isRecord(at) && Object.hasOwn(at, part) ? at[part] : undefined), value);
}

/** Findings that concern more than one key, or what is not there. */
export function crossCheck(value: Record<string, unknown>, app: string, findings: Findings): void {
  const get = (...path: string[]) => valueAt(value, ...path);

  if (!Object.hasOwn(value, 'name')) findings.warn('name-missing', `is missing; ${app} is assumed`, ['name']);
  else if (typeof value['name'] === 'string' && value['name'] !== app) {
    findings.error('wrong-name', `must be ${app}, the name of the app`, ['name']);
  }
  if (!Object.hasOwn(value, 'room_prefix'))
    findings.warn('room-prefix-missing', `is missing; ${app} is assumed`, ['room_prefix']);
  if (!Object.hasOwn(value, 'transcoding')) {
    const on = get('rtmp', 'transcode') !== false;
    const message = `is missing, so it follows rtmp.transcode and is ${on ? 'on' : 'off'}`;
    // a text with blocks has forgotten this one; a text without any takes all defaults, and means to
    if (Object.values(value).some(isRecord)) findings.warn('transcoding-missing', message, ['transcoding']);
    else findings.note('transcoding-missing', message, ['transcoding']);
  }

  if (isFilled(get('callbacks', 'secret'))) {
    findings.warn('inline-secret', 'is stored in plain text; PATCH callbackSecret stores it safely', [
      'callbacks',
      'secret',
    ]);
  }
  for (const path of ADDRESSES) {
    const address = get(...path);
    if (typeof address === 'string' && URL.parse(address)?.password)
      findings.warn('inline-secret', 'contains a password in plain text', path);
  }
  if (get('s3', 'provider') === 'minio' && get('s3', 'endpoint') === '') {
    findings.warn('no-endpoint', 'is empty, and minio has no default address', ['s3', 'endpoint']);
  }
  if (get('mqtt', 'enabled') === true && !isFilled(get('mqtt', 'url'))) {
    findings.warn('no-broker', 'is empty, so nothing is published', ['mqtt', 'url']);
  }
  const events = get('mqtt', 'events');
  if (Array.isArray(events)) {
    events.forEach((name, index) => {
      if (typeof name !== 'string' || name === 'all' || isCallbackEvent(name)) return;
      findings.warn('unknown-event', `names no event: ${name}`, ['mqtt', 'events', index]);
    });
  }
  if (get('distribution', 'mode') === 'cdn' && !isFilled(get('distribution', 'cdn', 'base_url'))) {
    findings.warn('no-cdn', 'is empty, so viewers are not sent to the CDN yet', ['distribution', 'cdn', 'base_url']);
  }
  doubles(get('webrtc', 'layers'), 'name', ['webrtc', 'layers'], findings);
  doubles(get('transcoding', 'vod_renditions'), 'height', ['transcoding', 'vod_renditions'], findings);
  const renditions = get('transcoding', 'vod_renditions');
  if (Array.isArray(renditions) && new Set(renditions.map((item) => valueAt(item, 'height'))).size > 5) {
    findings.warn('unused-renditions', 'has more than 5 entries; the 5 highest are used', [
      'transcoding',
      'vod_renditions',
    ]);
  }
}

const ADDRESSES = [
  ['s3', 'endpoint'],
  ['s3', 'public_url'],
  ['s3', 'public_endpoint'],
  ['callbacks', 'url'],
  ['mqtt', 'url'],
];

const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== '';

function doubles(list: unknown, key: string, path: string[], findings: Findings): void {
  if (!Array.isArray(list)) return;
  const seen = new Set<unknown>();
  list.forEach((item, index) => {
    const value = valueAt(item, key);
    if (value !== undefined && seen.has(value))
      findings.warn('double-entry', `has the same ${key} as an entry above`, [...path, index]);
    seen.add(value);
  });
}
