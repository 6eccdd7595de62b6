/**
 * What counts as a secret: by the name of a key, and by how it looks inside a text. The config mask, the log scrubber, the
 * audit trail, diffs and the desktop's report all read this one table. Every pattern and scan is linear in the text's length.
 */

/** A word of a name that ends like this is secret: `dbpassword`, `authtoken`, `passwords`. */
const ENDINGS = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pass',
  'secret',
  'token',
  'credential',
  'authorization',
  'cookie',
  'jwt',
  'signature',
  ...['api', 'access', 'private', 'secret', 'stream', 'signing', 'encryption', 'auth', 'shared'].map(
    (kind) => `${kind}key`,
  ),
];
const WORDS = new Set(
  'pwd psk otp totp otpauth bearer apikey passkey cred csrf xsrf passwort kennwort contraseña senha motdepasse'.split(
    ' ',
  ),
);
/** Words that make a following `key` secret. A `key` alone names an object in a storage as often. */
const KEY_KINDS = new Set(
  'api access private secret stream signing encryption master shared preshared account client session service ssh auth license webhook hmac host livekit'.split(
    ' ',
  ),
);
/** Also secret where any text may be one: in an operator's own config blocks, and in request bodies. */
const BROAD_WORDS = new Set(['key', 'keys', 'code', 'codes', 'pw', 'pin', 'auth', 'sig']);
const NOT_SECRET = new Set(['bypass', 'compass', 'encompass', 'overpass']);
/** A name that ends in one of these tells something about a secret, not the secret. */
const FACTS = new Set(
  'env set id ids name names at count length size kind type ttl seconds minutes hours days ms expiry expires masked configured enabled required label header file path url urls uri endpoint policy scope scopes rotation permission permissions missing valid status state algorithm alg format issuer audience limit'.split(
    ' ',
  ),
);
const AMOUNTS = new Set(['has', 'is', 'max', 'min', 'num', 'no']);

function wordsOf(name: string): string[] {
  return name
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .split(
      /[^\p{L}\p{N}]+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/u,
    )
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

function isSecretWord(word: string): boolean {
  if (NOT_SECRET.has(word)) return false;
  const single = word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
  return WORDS.has(single) || ENDINGS.some((ending) => single.endsWith(ending));
}

/**
 * Does a key of this name hold a secret? Reads snake_case, kebab-case and camelCase.
 * @param isBroad the key belongs to a text of unknown make, where a bare `key` or `code` may be a secret too
 */
export function isSecretName(name: string, isBroad = false): boolean {
  const words = wordsOf(name);
  const last = words.at(-1);
  if (last === undefined || FACTS.has(last) || (words.length > 1 && AMOUNTS.has(words[0] as string))) return false;
  if (isBroad && BROAD_WORDS.has(last)) return true;
  return words.some(
    (word, index) =>
      isSecretWord(word) || ((word === 'key' || word === 'keys') && KEY_KINDS.has(words[index - 1] ?? '')),
  );
}

/** A stretch of a text. */
export interface Span {
  start: number;
  end: number;
}

/** What a secret looks like without a name. Each matches the secret alone, so that what was there can still be told. */
const SHAPES: readonly RegExp[] = [
  /(?<=\b(?:sk|pk|rk|clt|jc|shp|ghp|gho|ghu|ghs|ghr|npm|hf|whsec)_)[A-Za-z0-9_-]{8,}/g,
  /(?<=\b(?:github_pat_|glpat-|xox[abeprs]-|AIza|SG\.|sk-))[A-Za-z0-9_.-]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g,
  /(?<=\b(?:bearer|basic|digest|token)\s{1,8})[A-Za-z0-9+/=._~-]{6,}/gi,
  /(?<=\b(?:AKIA|ASIA))[A-Z0-9]{12,}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?/g,
  /(?<=\bAGE-SECRET-KEY-)[A-Z0-9]{8,}/gi,
  /(?<=hooks\.slack\.com\/(?:services|workflows)\/)[^\s"'<>]+/gi,
  /(?<=(?:discord|discordapp)\.com\/api\/webhooks\/)[^\s"'<>]+/gi,
  /(?<=\brtmps?:\/\/[^\s"'<>/]{1,255}\/[^\s"'<>/?]{1,64}\/)[^\s"'<>?]+/gi,
  /(?<=api\.telegram\.org\/bot)[^\s"'<>/]+/gi,
];

/** Scheme and `//` of an address, before the user info. */
const ADDRESS = /[a-z][a-z0-9+.-]{0,20}:(?:\\?\/){2}/gi;
const NAME = /[\p{L}\p{N}_$.-]+/gu;
const SEPARATOR = /(?:\[\]|\\*["'`\]])?\s*(?::=?|==?>?|%3[dDaA])\s*/y;
/** From one item of a list to the next, as in `["--token", "…"]`, but not to the next key of an object. */
const NEXT_ITEM = /\\*["'`],\s*(?=\\*["'`])(?!\\*["'`][\w.-]{0,80}\\*["'`]\s*:)/y;
/** From the name to the value in `{"name": "API_TOKEN", "value": "…"}`. */
const NAMED_VALUE = /\\*["'`],\s*\\*["'`]?val(?:ue)?\\*["'`]?\s*:\s*/y;
/** A text of several lines, as YAML writes it: all lines below that are indented. */
const BLOCK = /[|>][-+\d]*[ \t]*\r?\n(?:[ \t]+[^\n]*\n?|\r?\n)*/y;
const QUOTE = /\\*["'`]/y;
const RUN = /[^\s&;"'`<>\\]+/y;
const NOTHING = /^(?:true|false|null|undefined|none|\*+|\[redacted\]|""|'')?$/i;
/** Names whose value is the rest of the line. */
const WHOLE_LINE = /(?:authorization|cookies?)$/i;

/** Where secrets stand in a text: user info of addresses, secret values after their names, tokens by their looks. */
export function findSecrets(text: string, isBroad = false): Span[] {
  const found: Span[] = [];
  for (const shape of SHAPES)
    for (const match of text.matchAll(shape)) found.push({ start: match.index, end: match.index + match[0].length });
  userInfos(text, found);
  writtenUserInfos(text, found);
  if (isBroad) bareUserInfos(text, found);
  namedValues(text, isBroad, found);
  return merge(found);
}

/** The text with each secret replaced. */
export function hideSecrets(text: string, mask: string, isBroad = false): string {
  return replaceSpans(text, findSecrets(text, isBroad), mask);
}

/** An address without user info, and with the secret values of its query masked. */
export function shownAddress(text: string, mask: string): string {
  const found: Span[] = [];
  userInfos(text, found);
  bareUserInfos(text, found);
  const bare = replaceSpans(
    text,
    merge(found).map(({ start, end }) => ({ start, end: end + 1 })),
    '',
  );
  return hideSecrets(bare, mask, true);
}

/** An address for anyone: without user info, query and fragment. Not for a text around an address. */
export const publicAddress = (address: string): string =>
  address.replace(/[?#].*$/s, '').replace(/^([a-z][a-z\d+.-]*:[\\/]*)[^\\/]*@/i, '$1');

/** A key whose value is a name, as in `{ name: API_TOKEN, value: … }`. */
export const NAMING = /^(?:name|key|header)$/i;

/** Is this the name of a secret, which follows it, as in `['--token', '…']` and `['Authorization', '…']`? */
export const namesNext = (item: unknown): boolean =>
  typeof item === 'string' && /^-{0,2}[\p{L}_][\p{L}\p{N}_.-]*$/u.test(item) && isSecretName(item);

/**
 * A copy of plain data with each secret in it replaced: by the looks of texts, and by the names of keys.
 * @param byName false for data whose keys are our own, such as the `code` of a notice
 */
export function hideSecretsIn<T>(value: T, mask: string, byName = true): T {
  const copy = (item: unknown): unknown => {
    if (typeof item === 'string') return hideSecrets(item, mask, true);
    const hidden = (inner: unknown): unknown => (typeof inner === 'string' && inner !== '' ? mask : copy(inner));
    if (Array.isArray(item))
      return item.map((inner, at) => (byName && namesNext(item[at - 1]) ? hidden(inner) : copy(inner)));
    if (typeof item !== 'object' || item === null) return item;
    const isNamed = byName && Object.entries(item).some(([key, inner]) => NAMING.test(key) && namesNext(inner));
    return Object.fromEntries(
      Object.entries(item).map(([key, inner]) => [
        key,
        byName && (isSecretName(key, true) || (isNamed && !NAMING.test(key))) ? hidden(inner) : copy(inner),
      ]),
    );
  };
  return copy(value) as T;
}

/** The text with each span replaced by the mask. The spans are in order and apart. */
function replaceSpans(text: string, spans: readonly Span[], mask: string): string {
  let clean = '';
  let from = 0;
  for (const { start, end } of spans) {
    clean += text.slice(from, start) + mask;
    from = end;
  }
  return clean + text.slice(from);
}

function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const { start, end } of spans.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (start >= end) continue;
    if (last !== undefined && start < last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** `user:password@` in every address; also a password that holds `/`, `?` or `#`, which makes the address unreadable. */
function userInfos(text: string, found: Span[]): void {
  if (!text.includes('@')) return;
  const starts = [...text.matchAll(ADDRESS)];
  for (const [nth, { index, 0: scheme }] of starts.entries()) {
    const start = index + scheme.length;
    const own = stretch(/[^\s"'<>]*/y, text.slice(start, starts[nth + 1]?.index), 0);
    const authority = stretch(/[^/?#\\]*/y, own, 0);
    const at = authority.lastIndexOf('@');
    if (at >= 0) found.push({ start, end: start + at });
    else if (!/^[^:]*(?::\d*)?$/.test(authority) && !authority.startsWith('[') && own.includes('@'))
      found.push({ start, end: start + own.lastIndexOf('@') });
  }
}

/** `user:password@` in an address that is percent-encoded, once or twice, and `-u user:password` of a command. */
const ENCODED = /%(?:25)?3a(?:%(?:25)?2f){2}(?:(?!%(?:25)?(?:2f|3f|40))[^\s"'<>&@/?]){1,512}%(?:25)?40/gi;
const USER_OPTION =
  /(?<![\w-])(?:-u|-U|--user|--proxy-user)(?:\s{1,8}|=)["']?[^\s:"']{0,128}:(?!\/\/|\d+(?![^\s"']))([^\s"']+)/g;
function writtenUserInfos(text: string, found: Span[]): void {
  for (const { index, 0: whole } of text.matchAll(ENCODED)) {
    const scheme = /^.*?(?:%(?:25)?2f){2}/i.exec(whole)?.[0].length ?? 0;
    found.push({ start: index + scheme, end: index + whole.lastIndexOf('%') });
  }
  for (const { index, 0: whole, 1: password = '' } of text.matchAll(USER_OPTION))
    found.push({ start: index + whole.length - password.length, end: index + whole.length });
}

/** `user:password@host` without a scheme. */
function bareUserInfos(text: string, found: Span[]): void {
  if (!text.includes('@')) return;
  for (const { index, 0: run } of text.matchAll(/[^\s"'<>,]+/g)) {
    const at = run.lastIndexOf('@');
    const colon = run.indexOf(':');
    if (colon < 0 || colon > at || run.includes('://') || /^(?:mailto|sips?|xmpp|npm|acct):/i.test(run)) continue;
    found.push({ start: index + (run.startsWith('//') ? 2 : 0), end: index + at });
  }
}

/** `name=value`, `name: value`, `"name": "value"`, `--name value`, `<Name>value<`; quoted and encoded ones too. */
function namedValues(text: string, isBroad: boolean, found: Span[]): void {
  const name = new RegExp(NAME);
  for (let match = name.exec(text); match !== null; match = name.exec(text)) {
    const at = match.index;
    const after = at + match[0].length;
    const before = text[at - 1] ?? '';
    let from: number;
    let closing: string | undefined;
    if (before === '<' && text[after] === '>') {
      from = after + 1;
      closing = '<';
    } else {
      const isOption = match[0].startsWith('--');
      const separator =
        stretch(SEPARATOR, text, after) ||
        stretch(NAMED_VALUE, text, after) ||
        (isOption ? stretch(/\s+/y, text, after) : '') ||
        (isOption || isBroad ? stretch(NEXT_ITEM, text, after) : '');
      if (separator === '') continue;
      from = after + separator.length;
    }
    // what follows a question mark or an ampersand is a parameter, where short names are secrets too
    if (!isSecretName(match[0], isBroad || /[?&;#]/.test(before))) continue;
    const span =
      closing === undefined ? valueAt(text, from, match[0]) : { start: from, end: until(text, closing, from) };
    const value = text.slice(span.start, span.end);
    if (NOTHING.test(value.trim()) || (/^token$/i.test(match[0]) && /^\d{1,9}$/.test(value))) continue;
    found.push(span);
    name.lastIndex = Math.max(span.end, after);
  }
}

function valueAt(text: string, from: number, name: string): Span {
  const quote = stretch(QUOTE, text, from);
  const start = from + quote.length;
  if (quote !== '')
    return { start, end: quote.length === 1 ? closingQuote(text, quote, start) : until(text, quote, start) };
  const block = stretch(BLOCK, text, from);
  if (block !== '') return { start: from, end: from + block.trimEnd().length };
  if (text[from] === '[' || text[from] === '{') return { start: from, end: closingBracket(text, from) };
  if (WHOLE_LINE.test(name)) return { start: from, end: from + stretch(/[^\r\n"'<>\\]*/y, text, from).length };
  return { start: from, end: from + stretch(RUN, text, from).replace(/[,)}\].]{1,3}$/, '').length };
}

function stretch(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function until(text: string, closing: string, from: number): number {
  const at = text.indexOf(closing, from);
  return at < 0 ? text.length : at;
}

function closingQuote(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    // YAML and SQL write a quote twice where it is part of the value
    if (text[at] === '\\' || (text[at] === quote && text[at + 1] === quote && at > from)) at += 1;
    else if (text[at] === quote) return at;
  }
  return text.length;
}

function closingBracket(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '[' || text[at] === '{') depth += 1;
    else if (text[at] === ']' || text[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** A quick look at a whole line: without a match there is nothing to hide. Wider than the rules above, never narrower. */
const SUSPECT = new RegExp(
  [
    ...ENDINGS,
    ...WORDS,
    `(?:${[...KEY_KINDS].join('|')})[^a-z0-9]{0,3}keys?`,
    `[?&;#](?:${[...BROAD_WORDS].join('|')})`,
    'basic |digest |(?:sk|pk|rk|clt|jc|shp|gh[pousr]|npm|hf|whsec)_|github_pat|glpat|xox|AIza|SG\\.|sk-|eyJ|AKIA|ASIA',
    'hooks\\.slack|webhooks|telegram|rtmp|@|%40|%2540|(?:-u|--user|--proxy-user)[ =]',
  ].join('|'),
  'i',
);

/** May this text hold a secret? */
export function mayHoldSecrets(text: string): boolean {
  return SUSPECT.test(text);
}
