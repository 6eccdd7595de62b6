import { createHmac } from 'node:crypto';
import { stringify } from 'yaml';
import { slugOf } from '#shared/config/defaults.ts';
import { diffParts, linesOf } from '#shared/config/diff.ts';

/** A reference as a whole value. */
const REFERENCE = /^\$\{secret:([A-Z][A-Z0-9_]{0,127})\}$/;
/** References in a text, with their names. */
export const REFERENCES = /\$\{secret:([A-Z][A-Z0-9_]{0,127})\}/g;
/** Letters for private use that stand for the characters of a reference, so that YAML reads it as text everywhere. */
const COVER = 0xee00;
export const COVERED = /[\uee00-\uee7f]+/g;
const shifted = (text: string, by: number): string =>
  String.fromCharCode(...Array.from(text, (letter) => letter.charCodeAt(0) + by));
export const covered = (text: string): string => text.replace(REFERENCES, (reference) => shifted(reference, COVER));
export const uncovered = (text: string): string => text.replace(COVERED, (run) => shifted(run, -COVER));
export const referenceTo = (name: string): string => `\${secret:${name}}`;

/** The name of a reference, made of words, that no other secret has. */
export function freeName(words: readonly string[], isTaken: (name: string) => boolean): string {
  const base = words.map(slugOf).join('_').slice(0, 110);
  let name = base;
  for (let number = 2; isTaken(name); number++) name = `${base}_${number}`;
  return name;
}

/** Schema of a secret in a file: never the value itself. */
export const SECRET_PATTERN = {
  pattern: REFERENCE.source,
  'x-hint': `a reference such as ${referenceTo('NAME')}; a folder never has the secret itself`,
};

/** A secret of an object: where its value comes from, and the value if it is known. */
export class SecretValue {
  readonly name: string;
  readonly value: string | undefined;
  constructor(name: string, value: string | undefined) {
    this.name = name;
    this.value = value;
  }
}

/** What an object consists of: plain data, with secrets as separate values. */
export type Value = string | number | boolean | null | SecretValue | readonly Value[] | Fields;
export interface Fields {
  readonly [name: string]: Value | undefined;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SecretValue);

/** Replaces every value that is not a list or an object. */
function mapLeaves<T>(value: unknown, leaf: (value: unknown) => T): unknown {
  if (Array.isArray(value)) return value.map((one) => mapLeaves(one, leaf));
  if (!isFields(value)) return leaf(value);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapLeaves(one, leaf)]));
}

/** Plain data of a file, with its references as secrets. */
export const fromPlain = (value: unknown, given: ReadonlyMap<string, string>): Value =>
  mapLeaves(value, (leaf) => {
    const name = typeof leaf === 'string' ? REFERENCE.exec(leaf)?.[1] : undefined;
    return name === undefined ? leaf : new SecretValue(name, given.get(name));
  }) as Value;

/** Plain data for a file. */
export const toPlain = (value: Value): unknown =>
  mapLeaves(value, (leaf) => (leaf instanceof SecretValue ? referenceTo(leaf.name) : leaf));

/** For the file of a roll-back point: with the secrets. */
export const toStored = (value: Value): unknown =>
  mapLeaves(value, (leaf) => (leaf instanceof SecretValue ? { $secret: leaf.name, value: leaf.value ?? '' } : leaf));
export function fromStored(value: unknown): Value {
  if (Array.isArray(value)) return value.map(fromStored);
  if (!isFields(value)) return value as Value;
  const { $secret: name, value: text } = value;
  if (name !== undefined) return new SecretValue(String(name), String(text));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromStored(one)]));
}

/** The names of all secrets in a value. */
export function secretsIn(value: Value): SecretValue[] {
  const found: SecretValue[] = [];
  mapLeaves(value, (leaf) => leaf instanceof SecretValue && found.push(leaf));
  return found;
}

/** Equal texts mean equal objects; the names of references don’t count. */
export const canonical = (value: Value): string => {
  if (value instanceof SecretValue) return `secret ${JSON.stringify(value.value)}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isFields(value)) return JSON.stringify(value);
  const parts = Object.entries(value).filter((entry): entry is [string, Value] => entry[1] !== undefined);
  return `{${parts
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`)
    .join()}}`;
};

/**
 * The wanted value, with the stored secret wherever a reference has no value here.
 * @param unresolved gets the names that have no value anywhere; their fields are left out
 */
export function withStoredSecrets(
  wanted: Value,
  stored: Value | undefined,
  unresolved: Set<string>,
): Value | undefined {
  if (wanted instanceof SecretValue) {
    if (wanted.value !== undefined) return wanted;
    if (stored instanceof SecretValue) return new SecretValue(wanted.name, stored.value);
    unresolved.add(wanted.name);
    return undefined;
  }
  if (!isFields(wanted)) return wanted;
  const before = isFields(stored) ? stored : {};
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([name, one]) => {
      const value = one === undefined ? undefined : withStoredSecrets(one, before[name], unresolved);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** How an object changes, in lines of YAML. A secret shows only whether it is set, and whether it changes. */
export function diffOf(before: Value | null, after: Value | null): string {
  const seen = before === null ? new Map<string, string | undefined>() : secretMap(before);
  const shown = (value: Value | null, isAfter: boolean): string[] => {
    if (value === null) return [];
    const words = (leaf: unknown) => {
      if (!(leaf instanceof SecretValue)) return leaf;
      const isOther = isAfter && seen.has(leaf.name) && seen.get(leaf.name) !== leaf.value;
      return isOther ? '(secret, changes)' : '(secret)';
    };
    const named = after !== null && before !== null && isAfter ? alike(value, before) : value;
    return linesOf(yamlOf(mapLeaves(named, words)).trimEnd());
  };
  const [old, next] = [shown(before, false), shown(after, true)];
  const lines = diffParts(old, next).flatMap(({ kind, from, count }) => {
    const [sign, all] = kind === 'added' ? ['+', next] : kind === 'removed' ? ['-', old] : [' ', old];
    return all.slice(from, from + count).map((line) => `${sign} ${line}`);
  });
  return nearChanges(lines.join('\n'));
}

/** Lines around a change that help to see where it is. */
const AROUND = 3;

/** A merged view without the lines that are far from any change. */
export function nearChanges(diff: string): string {
  const lines = linesOf(diff);
  const near = new Set<number>();
  for (const [index, line] of lines.entries())
    if (!line.startsWith(' ')) for (let at = index - AROUND; at <= index + AROUND; at++) near.add(at);
  const shown: string[] = [];
  for (const [index, line] of lines.entries())
    if (near.has(index)) shown.push(line);
    else if (near.has(index - 1) || index === 0) shown.push('  …');
  return shown.join('\n');
}

const secretMap = (value: Value): Map<string, string | undefined> =>
  new Map(secretsIn(value).map(({ name, value: text }) => [name, text]));

/** The fields in the order of another value, and secrets under its names, so that only what differs shows as a difference. */
function alike(value: Value, model: Value): Value {
  if (value instanceof SecretValue)
    return model instanceof SecretValue ? new SecretValue(model.name, value.value) : value;
  if (!isFields(value) || !isFields(model)) return value;
  const names = [...new Set([...Object.keys(model), ...Object.keys(value)])].filter(
    (name) => value[name] !== undefined,
  );
  return Object.fromEntries(
    names.map((name) => {
      const other = model[name];
      return [name, other === undefined ? value[name] : alike(value[name] as Value, other)];
    }),
  );
}

/** A text that differs when any of the values differ, and tells nothing about them. */
export const fingerprintOf = (key: Buffer, parts: readonly string[]): string =>
  createHmac('sha256', key).update(parts.join('\n')).digest('base64url');
