import { parse } from 'bowser';

/** Where the field's short name differs from the library's. */
const SHORT_NAMES: Record<string, string> = { 'Microsoft Edge': 'Edge', Chromium: 'Chrome' };

/** `Firefox on Linux`, as far as the User-Agent tells. */
export function browserWords(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'Unknown program';
  const { browser, os } = parse(userAgent);
  const name = /StreamHub/i.test(userAgent)
    ? 'StreamHub desktop'
    : browser.name === undefined || browser.name === ''
      ? userAgent.split(/[ /]/, 1)[0]
      : (SHORT_NAMES[browser.name] ?? browser.name);
  return os.name === undefined || os.name === '' ? (name ?? '') : `${name} on ${os.name}`;
}
