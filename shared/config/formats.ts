import { Format } from 'typebox/format';
import { MASK } from './annotations.ts';

/** An absolute URL of one of the given schemes, with a host; empty is allowed, a masked password is not. */
function isUrl(value: string, schemes: readonly string[]): boolean {
  if (value === '') return true;
  if (/[\s\u0000-\u001f\u007f\\]/.test(value)) return false;
  const url = URL.parse(value);
  return (
    url !== null &&
    schemes.includes(url.protocol) &&
    url.hostname !== '' &&
    url.username !== MASK &&
    /^[a-z]+:\/\/[^/]/i.test(value)
  );
}

const isHttpUrl = (value: string): boolean => isUrl(value, ['http:', 'https:']);
const isMqttUrl = (value: string): boolean => isUrl(value, ['mqtt:', 'mqtts:', 'ws:', 'wss:']);

/**
 * What topics may begin with: no wildcard, no NUL, no empty level at either end, and not `$`, which is the broker's own.
 * https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901246
 */
const isTopicPrefix = (value: string): boolean =>
  /^[^$/+#\u0000-\u001f\u007f](?:[^+#\u0000-\u001f\u007f]*[^/+#\u0000-\u001f\u007f])?$/.test(value);

const RESERVED = /^(config\.yaml|app\.db|samples)($|[./-])/;

/** A relative folder that stays inside the app's directory and is none of the daemon's own files. */
function isInnerFolder(value: string): boolean {
  if (
    value === '' ||
    value.length > 255 ||
    /[\u0000-\u001f\\:]/.test(value) ||
    value.startsWith('/') ||
    value.startsWith('~')
  )
    return false;
  const parts = value.replace(/\/$/, '').split('/');
  return parts.every((part) => part !== '' && part !== '.' && part !== '..') && !RESERVED.test(value);
}

/** The formats that the config schema names. */
export const CONFIG_FORMATS = {
  'streamhub-http-url': isHttpUrl,
  'streamhub-mqtt-url': isMqttUrl,
  'streamhub-topic-prefix': isTopicPrefix,
  'streamhub-inner-folder': isInnerFolder,
} as const;

/** Makes them known to TypeBox. */
export function registerConfigFormats(): void {
  for (const [name, check] of Object.entries(CONFIG_FORMATS)) Format.Set(name, check);
}
