import { _, Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import fastJsonStringify from 'fast-json-stringify';
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import { CONFIG_FORMATS } from '#shared/config/formats.ts';
import { type ApiError, type ErrorDetail, fieldError, fieldErrors } from '#shared/errors.ts';

const common = {
  removeAdditional: true,
  useDefaults: true,
  strict: false,
  allErrors: true,
  validateFormats: true,
  verbose: true,
  // what the optimizer saves in a validator's code is less than its work: half of the time that compiling takes
  code: { optimize: false },
  // all schemas are our own, and types check them
  validateSchema: false,
} as const;

let strictTypes: Ajv | undefined;
let coerced: Ajv | undefined;
const serializers = new WeakMap<object, (data: unknown) => string>();

/** Ajv compiles a schema once. */
const compilerFor = (part: string | undefined): Ajv => {
  if (part === 'body') return (strictTypes ??= withFormats(new Ajv({ ...common, coerceTypes: false })));
  return (coerced ??= withFormats(new Ajv({ ...common, coerceTypes: true })));
};

function serializerFor(schema: object): (data: unknown) => string {
  let stringify = serializers.get(schema);
  if (stringify === undefined) {
    const options = { ajv: { code: common.code } };
    stringify = fastJsonStringify(withNullable(schema), options) as (data: unknown) => string;
    serializers.set(schema, stringify);
  }
  return stringify;
}

/**
 * The same schema for the serializer, with "this or null" as `nullable`: for a union, it compiles a validator of each member and
 * asks them for each value, which takes more time than all the rest.
 */
function withNullable<S>(schema: S): S {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(withNullable) as S;
  const { anyOf, ...rest } = schema as { anyOf?: { type?: unknown }[] };
  const [member, none, ...others] = anyOf ?? [];
  const isNullable = typeof member?.type === 'string' && none?.type === 'null' && others.length === 0;
  const plain = isNullable ? { ...rest, ...member, nullable: true } : schema;
  return Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, withNullable(value)])) as S;
}

/**
 * Validators and serializers are compiled when a route is first used, not at start: compiling all of them would cost
 * more than the rest of the start-up. Bodies are never coerced; paths, queries and headers always are.
 */
export function installCompilers(app: FastifyInstance): void {
  const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
    let validate: ValidateFunction | undefined;
    const name = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
    return (data: unknown) => {
      validate ??= compilerFor(httpPart).compile(schema as object);
      if ((data === undefined || data === null) && httpPart === 'body') return { error: missingBody() };
      if (httpPart === 'querystring') spellFlags(schema as ObjectSchema, data);
      const wrong = httpPart === 'body' ? [] : misspelt(name, schema as ObjectSchema, data);
      if (wrong.length > 0) return { error: fieldErrors(wrong) };
      return validate(data) ? { value: data } : { error: validationError(name, validate.errors ?? []) };
    };
  };
  const serializerCompiler: FastifySerializerCompiler<unknown> = ({ schema }) => {
    let stringify: ((data: unknown) => string) | undefined;
    return (data: unknown) => {
      stringify ??= serializerFor(schema as object);
      return stringify(data);
    };
  };
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
}

/** What is wrong with a value that is not a request, e.g. a file. @returns paths below it, such as `people.0.role`; empty for itself */
export function findProblems(schema: object, value: unknown): ErrorDetail[] {
  const validate = compilerFor('body').compile(schema);
  if (validate(value)) return [];
  const { details = [] } = validationError('', validate.errors ?? []);
  return details.map(({ path, message }) => ({ path: path.replace(/^\./, ''), message }));
}

interface ObjectSchema {
  properties?: Record<string, { type?: string; 'x-allow-empty'?: boolean }>;
}

/** Booleans in a query can be spelt `1` and `0`, too; some count as set when they have no value. */
function spellFlags({ properties = {} }: ObjectSchema, data: unknown): void {
  const given = data as Record<string, unknown>;
  for (const [key, { type, 'x-allow-empty': isSetEmpty }] of Object.entries(properties)) {
    if (type !== 'boolean') continue;
    if (given[key] === '1' || (given[key] === '' && isSetEmpty)) given[key] = 'true';
    else if (given[key] === '0') given[key] = 'false';
  }
}

const SPELLING: Readonly<Record<string, RegExp>> = {
  integer: /^(?:0|-?[1-9]\d{0,15})$/,
  number: /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/,
};

/**
 * Numbers in paths and queries have one spelling: Ajv would also take `0x3`, `3e0`, ` 3` and `+3`. A key that is repeated arrives as a
 * list, and Ajv would complain of its type.
 */
function misspelt(part: string, { properties = {} }: ObjectSchema, data: unknown): ErrorDetail[] {
  const given = data as Record<string, unknown>;
  return Object.entries(properties).flatMap(([key, { type = '' }]) => {
    const text = given[key];
    if (Array.isArray(text) && type !== 'array') return [{ path: `${part}.${key}`, message: 'may be given only once' }];
    const spelling = SPELLING[type];
    if (spelling === undefined || typeof text !== 'string' || spelling.test(text)) return [];
    return [{ path: `${part}.${key}`, message: `must be ${TYPES[type]} in plain decimal digits` }];
  });
}

function withFormats(ajv: Ajv): Ajv {
  withQuickMaxLength(ajv);
  (addFormats as unknown as (ajv: Ajv) => Ajv)(ajv);
  for (const [name, check] of Object.entries(CONFIG_FORMATS)) ajv.addFormat(name, check);
  return ajv;
}

/** Ajv counts the code points of every text; a long one that is short enough in code units needs no counting. */
function withQuickMaxLength(ajv: Ajv): Ajv {
  ajv.removeKeyword('maxLength');
  ajv.addKeyword({
    keyword: 'maxLength',
    type: 'string',
    schemaType: 'number',
    error: { message: 'must NOT be longer', params: ({ schemaCode }) => _`{limit: ${schemaCode}}` },
    compile: (limit: number) => (text: string) => text.length <= limit || codePoints(text) <= limit,
  });
  return ajv;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _point of text) count += 1;
  return count;
}

function missingBody(): ApiError {
  return fieldError('body', 'must be a JSON object, sent with Content-Type: application/json');
}

/** Ajv's findings as one refusal that names each field; the same place is named once. */
function validationError(part: string, errors: readonly ErrorObject[]): ApiError {
  const details = new Map<string, ErrorDetail>();
  for (const error of errors.slice(0, 50)) {
    if (error.keyword === 'if') continue;
    const key = error.keyword === 'required' ? `/${String(error.params['missingProperty'])}` : '';
    const path = `${part}${(error.instancePath + key).replace(/\//g, '.')}`;
    const message = error.keyword === 'required' ? 'is required' : describe(error);
    if (!details.has(path)) details.set(path, { path, message });
  }
  return fieldErrors([...details.values()]);
}

function describe(error: ErrorObject): string {
  if (error.keyword === 'enum') return `must be one of ${(error.params['allowedValues'] as unknown[]).join(', ')}`;
  if (error.keyword === 'const') return `must be ${JSON.stringify(error.params['allowedValue'])}`;
  const hint: unknown = error.parentSchema?.['x-hint'];
  if (hint !== undefined && (error.keyword === 'format' || error.keyword === 'pattern')) return `must be ${hint}`;
  const limit: unknown = error.params['limit'];
  switch (error.keyword) {
    case 'maxLength':
      return `must have ${limit} characters at most`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have ${limit} characters at least`;
    case 'minimum':
      return `must be ${limit} or more`;
    case 'maximum':
      return `must be ${limit} or less`;
    case 'maxItems':
      return `must have ${limit} entries at most`;
    case 'minItems':
      return `must have ${limit} ${limit === 1 ? 'entry' : 'entries'} at least`;
    case 'type':
      return `must be ${TYPES[String(error.params['type'])] ?? error.params['type']}`;
  }
  return error.message ?? 'is not valid';
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};
