import { isRecord } from '#shared/config/case.ts';
import { diffTexts } from '#shared/config/diff.ts';
import { rewriteConfig } from '#shared/config/edit.ts';
import { type IsSecret, maskedLines } from '#shared/config/mask.ts';
import { type ParsedConfig, parseConfig } from '#shared/config/parse.ts';
import { own, put, sameValue } from '#shared/config/values.ts';
import { COVERED, covered, REFERENCES, uncovered } from '../values.ts';
import { type NamedSecret, withReferences } from './config-secrets.ts';
import { storedEntries, storedKey, storedParts, UNCLEAR } from './stored-places.ts';

export interface FillConfigsInput {
  /** The text of the folder, and the text that is stored; empty if none is. */
  configs: readonly { app: string; text: string; stored: string }[];
  given: ReadonlyMap<string, string>;
}
export interface FilledConfig {
  text: string;
  /** From the stored text to this one, with what stands for references masked. */
  diff?: string;
  /** References without a value. */
  unresolved: string[];
  /** Those of them that would replace something stored by nothing. */
  unclear: string[];
}

/** A shorter value is too likely to be a part of some other text, so it is masked only at its place. */
const TELLING = 6;
const pathOf = (path: string, name: string): string => `${path}\n${name}`;

/** Puts the values of references into configs: what was given, and otherwise what is stored at the same place. */
export default async function fillConfigs({ configs, given }: FillConfigsInput): Promise<FilledConfig[]> {
  return configs.map(({ app, text, stored }) => {
    const parsed = parseConfig(stored);
    return fillConfig(text, given, parsed, withReferences(app, parsed)?.secrets ?? {});
  });
}

function fillConfig(
  text: string,
  given: ReadonlyMap<string, string>,
  stored: ParsedConfig,
  secrets: Readonly<Record<string, NamedSecret>>,
): FilledConfig {
  const parsed = parseConfig(covered(text));
  if (parsed.value === null) return { text: parsed.text, unresolved: [], unclear: [] };
  const values = new Map<string, string>();
  const unresolved = new Set<string>();
  const unclear = new Set<string>();

  const places = new Set<string>();
  const fillText = (wanted: string, before: unknown, path?: string): unknown => {
    const pieces = wanted.split(REFERENCES);
    if (pieces.length === 1) return wanted;
    if (path !== undefined) places.add(path);
    const kept = storedParts(pieces, before, given);
    const isWhole = pieces.length === 3 && pieces.join('') === pieces[1];
    const isOther = typeof before === 'number' || typeof before === 'boolean';
    if (isWhole && isOther && !given.has(pieces[1] as string)) return before;
    const secretOf = (name: string): string => {
      const value = given.get(name) ?? (kept?.get(name) || namedOnce(secrets, name));
      if (value !== undefined) values.set(name, value);
      else {
        unresolved.add(name);
        if (kept === undefined && (before ?? '') !== '') unclear.add(name);
      }
      return value ?? '';
    };
    return pieces.map((piece, index) => (index % 2 === 0 ? piece : secretOf(piece))).join('');
  };
  const fill = (wanted: unknown, before: unknown, path: string): unknown => {
    if (typeof wanted === 'string') return fillText(wanted, before, path);
    if (Array.isArray(wanted)) {
      const entries = storedEntries(wanted, before, given);
      return wanted.map((one, index) => fill(one, entries[index], path));
    }
    if (!isRecord(wanted)) return wanted;
    const result = {};
    for (const [key, one] of Object.entries(wanted)) {
      const old = storedKey(key, before);
      const inside = before === UNCLEAR ? UNCLEAR : own(before, old);
      const name = String(fillText(key, old));
      put(result, name, fill(one, inside, pathOf(path, name)));
    }
    return result;
  };
  const target = fill(plain(parsed.value), stored.value, '') as Record<string, unknown>;
  const secretOf = (name: string): string => values.get(name) ?? given.get(name) ?? secrets[name]?.value ?? '';
  const filled = writeConfig(text, parsed, target, secretOf, secrets);
  const hidden = [...given.values(), ...values.values()].filter((value) => value.length >= TELLING);
  const isSecret: IsSecret = (shown, path) =>
    (path !== undefined && places.has(path.reduce(pathOf, ''))) || hidden.some((value) => shown.includes(value));
  const masked = (from: ParsedConfig) => ({ text: from.text, shown: maskedLines(from, isSecret) });
  return {
    text: filled,
    diff: diffTexts(masked(stored), masked(parseConfig(filled))),
    unresolved: [...unresolved],
    unclear: [...unclear],
  };
}

/** What has a name in an export that doesn’t depend on the order of a list. */
function namedOnce(secrets: Readonly<Record<string, NamedSecret>>, name: string): string | undefined {
  const base = name.replace(/_\d+$/, '');
  return `${base}_2` in secrets || `${name}_2` in secrets ? undefined : secrets[name]?.value;
}

/** The text with values in place of its references, so that it stands for `target`. */
function writeConfig(
  text: string,
  parsed: ParsedConfig,
  target: Record<string, unknown>,
  secretOf: (name: string) => string,
  secrets: Readonly<Record<string, NamedSecret>>,
): string {
  // as the stored text has it, so that an export that comes back changes no byte
  const spellings = new Map(Object.values(secrets).map(({ value, source }) => [value, source]));
  const quoted = (name: string): string => {
    const [value, same] = [secretOf(name), secrets[name]];
    return same?.value === value ? same.source : (spellings.get(value) ?? JSON.stringify(value));
  };
  const pasted = text.replace(QUOTED_OR_NOT, (_, whole?: string, part?: string) =>
    whole === undefined ? secretOf(part as string) : quoted(whole),
  );
  if (sameValue(parseConfig(pasted).value, target)) return pasted;
  // what is still covered is in comments, which end with their line
  return rewriteConfig(parsed, target).text.replace(COVERED, (run) =>
    uncovered(run).replace(REFERENCES, (_, name: string) => secretOf(name).replaceAll(/[\r\n]+/g, ' ')),
  );
}

const QUOTED_OR_NOT = new RegExp(`"${REFERENCES.source}"|${REFERENCES.source}`, 'g');

/** The data of a covered text, with its references. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return uncovered(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return value;
  const result = {};
  for (const [key, one] of Object.entries(value)) put(result, uncovered(key), plain(one));
  return result;
}
