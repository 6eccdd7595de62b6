const BROWSERS: readonly [RegExp, string][] = [
  [/StreamHub/i, 'StreamHub desktop'],
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(?:e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
  [/curl\//, 'curl'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/Windows/, 'Windows'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/Android/, 'Android'],
  [/Linux|X11/, 'Linux'],
];

/** `Firefox on Linux`, as far as the User-Agent tells. */
export function browserWords(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'An unnamed program';
  const browser =
    BROWSERS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? userAgent.split(/[ /]/, 1)[0] ?? 'A program';
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}
