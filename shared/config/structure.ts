import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node } from 'yaml';
import { nearest } from '../nearest.ts';
import { findOddText } from '../odd-text.ts';
import { ID_PATTERN } from '../plugin-sdk/manifest.ts';
import { annotationsOf, MASK, propertiesOf } from './annotations.ts';
import { isRecord } from './case.ts';
import { defaultOf } from './defaults.ts';
import { dotted } from './diagnostic.ts';
import type { Findings, Path } from './findings.ts';
import type { ParsedConfig } from './parse.ts';
import { ConfigFile } from './schema.ts';

const PROVIDER_ID = new RegExp(ID_PATTERN);

export interface StructureOptions {
  app: string;
  /** Storage providers beside the built-in ones; `any`: every well-formed name, as its plugin may come later. */
  providers?: readonly string[] | 'any';
}

/** Holds every known key of the document against the schema, and warns of unknown ones. */
export function checkStructure(parsed: ParsedConfig, findings: Findings, options: StructureOptions): void {
  new StructureCheck(parsed, findings, options).mapping(parsed.root, parsed.value, ConfigFile, [], false);
}

class StructureCheck {
  readonly #document: Document;
  readonly #findings: Findings;
  readonly #options: StructureOptions;

  constructor(parsed: ParsedConfig, findings: Findings, options: StructureOptions) {
    this.#document = parsed.document as Document;
    this.#findings = findings;
    this.#options = options;
  }

  mapping(node: unknown, value: unknown, schema: TSchema, path: Path, needsAll: boolean): void {
    const properties = propertiesOf(schema) ?? {};
    const target = this.#target(node);
    if (!isMap(target) || !isRecord(value)) {
      this.#findings.error(
        'wrong-type',
        `must be a block of keys, but is ${kindOf(value)}${EMPTY_HINT(value)}`,
        path,
        node as Node | null,
      );
      return;
    }
    for (const pair of target.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const name = String(pair.key.value);
      const here = [...path, name];
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      this.#findings.place(here, (pair.value as Node | null) ?? (pair.key as Node));
      if (property === undefined) this.#unknown(here, Object.keys(properties), pair.key as Node);
      else this.#value(pair.value, value[name], property, here);
    }
    if (!needsAll) return;
    for (const name of (schema as { required?: string[] }).required ?? []) {
      if (!Object.hasOwn(value, name))
        this.#findings.error('missing-key', `needs the key ${name}`, path, node as Node | null);
    }
  }

  #value(node: unknown, value: unknown, schema: TSchema, path: Path): void {
    const marks = annotationsOf(schema);
    const at = node as Node | null;
    if (marks['x-ignored'] !== undefined) {
      this.#findings.warn('ignored-key', `has no effect here; ${marks['x-ignored']}`, path, at);
      return;
    }
    if (propertiesOf(schema) !== undefined) {
      this.mapping(node, value, schema, path, false);
      return;
    }
    if (marks['x-secret'] && value === MASK) {
      this.#findings.error('masked-value', 'is the mask shown instead of the secret, not a value', path, at);
      return;
    }
    if (marks['type'] === 'array') this.#list(node, value, schema, path);
    else this.#leaf(node, value, schema, path);
  }

  #list(node: unknown, value: unknown, schema: TSchema, path: Path): void {
    const before = this.#findings.list.length;
    this.#leaf(node, value, { ...schema, items: {} } as TSchema, path);
    const target = this.#target(node);
    if (this.#findings.list.length > before || !isSeq(target) || !Array.isArray(value)) return;
    const items = (schema as unknown as { items: TSchema }).items;
    target.items.forEach((item, index) => {
      const here = [...path, index];
      this.#findings.place(here, item as Node | null);
      if (propertiesOf(items) !== undefined) this.mapping(item, value[index], items, here, true);
      else this.#leaf(item, value[index], items, here);
    });
  }

  #leaf(node: unknown, value: unknown, schema: TSchema, path: Path): void {
    const marks = annotationsOf(schema);
    const at = node as Node | null;
    if (marks['x-reference']) {
      const own = defaultOf(schema, this.#options.app);
      if (value !== own)
        this.#findings.error(
          'foreign-reference',
          `must be ${own}, because an app can use only its own stored secrets`,
          path,
          at,
        );
      return;
    }
    if (dotted(path) === 's3.provider' && this.#isProvider(value)) return;
    const [error] = Value.Errors(schema, value);
    const odd = typeof value === 'string' ? findOddText(value) : undefined;
    if (odd !== undefined) {
      // it explains what else is wrong with the value
      if (error === undefined) this.#findings.warn(odd.code, odd.message, path, at);
      else this.#findings.error(odd.code, odd.message, path, at);
    } else if (error !== undefined) {
      const [code, message] = describe(error.keyword, schema, value, marks['x-secret'] === true);
      this.#findings.error(code, message, path, at);
    }
  }

  /** Is it a storage provider that a plugin brings? */
  #isProvider(value: unknown): boolean {
    const { providers = [] } = this.#options;
    if (typeof value !== 'string') return false;
    return providers === 'any' ? PROVIDER_ID.test(value) : providers.includes(value);
  }

  #unknown(path: Path, siblings: readonly string[], key: Node): void {
    const name = path.at(-1) as string;
    if (name.startsWith('x-')) return;
    const odd = findOddText(name);
    if (odd !== undefined) {
      this.#findings.warn(odd.code, `is not a key of StreamHub, because its name ${odd.message}`, path, key);
      return;
    }
    const guess = nearest(name, siblings) ?? elsewhere(path);
    const hint = guess === undefined ? '' : `; did you mean ${guess}?`;
    this.#findings.warn('unknown-key', `is not a key of StreamHub and has no effect${hint}`, path, key);
  }

  #target(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }
}

const KEY_PATHS: ReadonlyMap<string, string> = (() => {
  const paths = new Map<string, string>();
  const walk = (schema: TSchema, path: string[]) => {
    for (const [name, property] of Object.entries(propertiesOf(schema) ?? {})) {
      if (!paths.has(name)) paths.set(name, [...path, name].join('.'));
      walk(property, [...path, name]);
    }
  };
  walk(ConfigFile, []);
  return paths;
})();

/** A key of that very name in another block. */
function elsewhere(path: Path): string | undefined {
  const name = path.at(-1) as string;
  return COMMON.has(name) ? undefined : KEY_PATHS.get(name);
}
/** Names that occur in many blocks: no hint where they belong. */
const COMMON: ReadonlySet<string> = new Set([
  'enabled',
  'url',
  'mode',
  'level',
  'provider',
  'secret',
  'key',
  'password',
  'name',
  'prefix',
]);

const EMPTY_HINT = (value: unknown): string => (value === null ? '; remove it or give it keys' : '');

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a block of keys';
  return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'something else';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
};

interface LeafMarks {
  type: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  enum?: readonly string[];
  'x-hint'?: string;
}

function describe(
  keyword: string,
  schema: TSchema,
  value: unknown,
  isSecret: boolean,
): [code: string, message: string] {
  const {
    type,
    minimum,
    maximum,
    maxLength,
    maxItems,
    enum: allowed,
    'x-hint': hint,
  } = annotationsOf(schema) as unknown as LeafMarks;
  const shown =
    isSecret || typeof value !== 'string'
      ? ''
      : `, not ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  switch (keyword) {
    case 'type':
      return [
        'wrong-type',
        `must be ${allowed ? `one of ${allowed.join(', ')}` : TYPE_WORDS[type]}, but is ${kindOf(value)}${yesNoHint(type, value)}`,
      ];
    case 'enum':
      return ['not-allowed', `must be one of ${allowed?.join(', ')}${shown}`];
    case 'minimum':
    case 'maximum':
      return [
        'out-of-range',
        maximum === undefined ? `must be at least ${minimum}` : `must be ${minimum} to ${maximum}`,
      ];
    case 'maxLength':
      return ['too-long', `must have at most ${maxLength} characters`];
    case 'minLength':
      return ['too-short', 'must not be empty'];
    case 'maxItems':
      return ['too-many', `must have at most ${maxItems} entries`];
    default:
      return ['not-allowed', `must be ${hint ?? 'a valid value'}${shown}`];
  }
}

function yesNoHint(type: string, value: unknown): string {
  if (type === 'boolean' && typeof value === 'string' && /^(y|n|yes|no|on|off|true|false)$/i.test(value)) {
    return ` (in YAML 1.2 only true and false are booleans; ${value} is text)`;
  }
  if (type === 'string' && value !== null && typeof value !== 'object') return ' (put it in quotes)';
  return '';
}
