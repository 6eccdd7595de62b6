import { type TSchema, Type } from 'typebox';
import { propertiesOf } from './annotations.ts';
import { type Camel, camelKey, toSnake } from './case.ts';
import { schemaAt } from './defaults.ts';
import { type Edit, set } from './edits.ts';
import type { ConfigFile } from './schema.ts';

type Json = Record<string, unknown>;

/** Marks that concern the file and not the API. */
const FILE_ONLY = ['default', 'x-template', 'x-reference', 'x-written', 'x-reload', 'x-ignored', 'x-name'];

/** A schema of the file as the API speaks it: camelCase, without defaults, nothing undeclared let through. */
export function camelSchema(schema: TSchema): TSchema {
  return Type.Unsafe(toWire(schema as unknown as Json)) as TSchema;
}

function toWire(schema: Json): Json {
  const wire = Object.fromEntries(Object.entries(schema).filter(([key]) => !FILE_ONLY.includes(key)));
  // a title would be the label of a form
  if (typeof schema['x-name'] === 'string') wire['title'] = schema['x-name'];
  const properties = propertiesOf(schema as unknown as TSchema);
  if (properties !== undefined) {
    const kept = Object.entries(properties).filter(([, property]) => !('x-ignored' in property));
    const required = ((schema['required'] as string[] | undefined) ?? []).filter((name) =>
      kept.some(([other]) => other === name),
    );
    wire['properties'] = Object.fromEntries(
      kept.map(([name, property]) => [camelKey(name), toWire(property as unknown as Json)]),
    );
    if (required.length > 0) wire['required'] = required.map(camelKey);
    else delete wire['required'];
    wire['additionalProperties'] = false;
  }
  if (typeof wire['items'] === 'object') wire['items'] = toWire(wire['items'] as Json);
  return wire;
}

/** Every dotted key of the file that names a value. */
type PathOf<T> = {
  [K in keyof T & string]: T[K] extends readonly unknown[]
    ? K
    : T[K] extends object | undefined
      ? K | `${K}.${PathOf<NonNullable<T[K]>>}`
      : K;
}[keyof T & string];
type ConfigPath = PathOf<ConfigFile>;

type At<T, P extends string> = P extends `${infer Head}.${infer Tail}`
  ? At<NonNullable<T[Head & keyof T]>, Tail>
  : NonNullable<T[P & keyof T]>;

/** Field of a request body → key of the file; a nested table is a nested object. */
export interface PatchTable {
  readonly [field: string]: ConfigPath | PatchTable;
}

/** What a body of such a table holds; every field may be absent. */
export type PatchBody<T> = {
  [K in keyof T]?: T[K] extends string ? Camel<At<ConfigFile, T[K]>> : PatchBody<T[K]>;
};

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Properties of the request body that a table describes, each with the limits of the key it writes. */
function patchProperties(table: PatchTable, further: Record<string, Json> = {}): Record<string, TSchema> {
  const properties: Record<string, TSchema> = {};
  for (const [field, target] of Object.entries(table)) {
    const schema =
      typeof target === 'string'
        ? toWire(schemaAt(target.split('.')) as unknown as Json)
        : {
            type: 'object',
            title: `Patch${capital(field)}`,
            properties: patchProperties(target),
            additionalProperties: false,
          };
    properties[field] = Type.Unsafe({ ...schema, ...further[field] }) as TSchema;
  }
  return properties;
}

/** Request body of a table. `more` adds fields that are no key of the file. */
export function patchBody<const T extends PatchTable, M = unknown>(
  title: string,
  table: T,
  further: Record<string, Json> = {},
  more: Record<string, TSchema> = {},
) {
  return Type.Unsafe<PatchBody<T> & M>({
    title,
    type: 'object',
    properties: { ...patchProperties(table, further), ...more },
    additionalProperties: false,
  });
}

/** The edits that a body asks for: only the fields that it has. */
export function editsOf(table: PatchTable, body: object, at = 'body'): Edit[] {
  return Object.entries(table).flatMap(([name, target]) => {
    const value = (body as Json)[name];
    if (value === undefined) return [];
    const field = `${at}.${name}`;
    return typeof target === 'string'
      ? [{ ...set(target, toSnake(value)), field }]
      : editsOf(target, value as object, field);
  });
}
