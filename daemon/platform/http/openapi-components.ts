import { schemas } from '#shared/schema/index.ts';

type Json = Record<string, unknown>;

const REF = '#/components/schemas/';

/**
 * The named schemas of the OpenAPI document. A schema that `shared/schema` exports, or that has a title, is written
 * once, below `components.schemas`, and referred to everywhere else. So are the envelopes and pages around one.
 */
export class Components {
  readonly schemas: Record<string, Json> = {};
  /** Answers that many operations share: written out everywhere, they would be half of the document. */
  readonly responses: Record<string, Json> = {};
  readonly #names = new Map<object, string>();
  /** Optional properties are copies, so schemas are also found by their text; null: several have this text. */
  readonly #namesByText = new Map<string, string | null>();
  readonly #owners = new Map<string, string>();

  constructor() {
    for (const [exported, schema] of schemas) {
      if (isNameable(schema as Json)) this.#learn(schema as Json, exported);
      this.#learnTitles(schema);
    }
  }

  /** The schema as the document has it: named parts are references. */
  refer(schema: unknown): unknown {
    if (typeof schema !== 'object' || schema === null) return schema;
    if (Array.isArray(schema)) return schema.map((one) => this.refer(one));
    const name = this.#nameOf(schema as Json);
    if (name === undefined) return this.#parts(schema as Json);
    const component = this.#add(name, schema as Json);
    const { description, default: fallback } = schema as Json;
    return {
      $ref: REF + name,
      ...(description === component['description'] ? {} : { description }),
      ...(fallback === undefined ? {} : { default: fallback }),
    };
  }

  /** An answer that several operations give is written once; one that differs from it stays where it is. */
  referToResponse(name: string, response: Json): Json {
    const known = (this.responses[name] ??= response) as Json;
    return textOf(known) === textOf(response) ? { $ref: `#/components/responses/${name}` } : response;
  }

  #learn(schema: Json, exported?: string): void {
    const name = titleOf(schema) ?? exported;
    if (name === undefined || this.#names.has(schema)) return;
    this.#names.set(schema, name);
    const text = textOf(schema);
    const known = this.#namesByText.get(text);
    this.#namesByText.set(text, known === undefined || known === name ? name : null);
  }

  #learnTitles(schema: unknown): void {
    if (typeof schema !== 'object' || schema === null) return;
    if (titleOf(schema as Json) !== undefined) this.#learn(schema as Json);
    for (const part of Object.values(schema)) this.#learnTitles(part);
  }

  #parts(schema: Json): Json {
    return mapped(schema, (value, key) => {
      if (key === 'properties') return mapped(value as Json, (property) => this.refer(property));
      return DATA.has(key) ? value : this.refer(value);
    });
  }

  #add(name: string, schema: Json): Json {
    const text = textOf(schema);
    const component = (this.schemas[name] ??= {});
    const owner = this.#owners.get(name);
    if (owner !== undefined && owner !== text)
      throw new Error(`Two schemas have the name ${name}; give one of them another title.`);
    if (owner === undefined) {
      this.#owners.set(name, text);
      const { title: _title, description, default: _default, ...rest } = schema;
      // words are used for many things, each with its own description
      Object.assign(
        component,
        this.#parts('enum' in schema || description === undefined ? rest : { ...rest, description }),
      );
    }
    return component;
  }

  #nameOf(schema: Json): string | undefined {
    const own = this.#names.get(schema) ?? titleOf(schema);
    if (own !== undefined) return own;
    if (!isNameable(schema)) return undefined;
    return this.#namesByText.get(textOf(schema)) ?? this.#wrapperName(schema);
  }

  /** `JobEnvelope`, `JobListEnvelope` and `JobPage`: what `envelope` and `page` (shared/schema/common.ts) make of `Job`. */
  #wrapperName({ properties = {} }: { properties?: Record<string, Json> }): string | undefined {
    const { data, ...others } = properties;
    if (data === undefined) return undefined;
    const item = data['type'] === 'array' ? (data['items'] as Json) : data;
    const name = this.#nameOf(item);
    if (name === undefined) return undefined;
    const list = item === data ? '' : 'List';
    const beside = Object.keys(others).join();
    if (beside === 'error' || beside === '') return `${name}${list}Envelope`;
    return beside === 'total,limit,offset' && list ? `${name}Page` : undefined;
  }
}

/** Keywords whose value is data, not a schema. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'required']);

const mapped = (object: Json, of: (value: unknown, key: string) => unknown): Json =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, of(value, key)]));

/** What makes two schemas the same one. */
function textOf({ title: _title, description: _description, default: _default, ...rest }: Json): string {
  return JSON.stringify(rest);
}

/** A title that is a name; other titles are texts for people. */
function titleOf({ title }: Json): string | undefined {
  return typeof title === 'string' && /^[A-Z]\w*$/.test(title) ? title : undefined;
}

/** Objects with fields, choices of them, and words. */
const isNameable = (schema: Json): boolean => 'properties' in schema || 'anyOf' in schema || 'enum' in schema;
