import { STATUS_CODES } from 'node:http';
import { ERRORS, type ErrorCode, type ErrorDefinition } from '#shared/errors.ts';

type Json = Record<string, unknown>;

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-06-30T12:00:00.000Z',
  date: '2026-06-30',
  email: 'ana@example.com',
  'streamhub-http-url': 'https://media.example.com',
  'streamhub-mqtt-url': 'mqtts://broker.example.com',
  uri: 'https://media.example.com',
  uuid: '4b2f0c2e-1a3d-4c5e-8f9a-0b1c2d3e4f5a',
};

/** Texts of fields that have no limits, by their names. */
const TEXTS: Readonly<Record<string, string>> = {
  name: 'live',
  app: 'live',
  room: 'live-stage',
  identity: 'ana',
  url: 'https://media.example.com',
  address: '203.0.113.7',
  ip: '203.0.113.7',
  version: '1.4.0',
  region: 'eu-central',
  user: 'ana@example.com',
  by: 'ana@example.com',
  createdBy: 'token:3',
};

/** Values for fields whose schema has a pattern or a format and no example, by their name. */
const PATTERNS: readonly string[] = [
  'live',
  '12:00',
  '2026-06',
  'edge-fra-1',
  '123456',
  '203.0.113.7',
  'a'.repeat(64),
  'sk_example',
  'AbCdEfGh',
  'https://hooks.example.com/streamhub',
  'ana@example.com',
  'PA_AbCdEfGh',
];

/**
 * A value that the schema takes: its own example, its default, or the simplest of its type.
 * @param isRequest optional fields are left out unless their schema has an example
 */
export function exampleOf(schema: unknown, isRequest = false, name = ''): unknown {
  const { examples, const: only, default: fallback, enum: words, anyOf, allOf, type, format } = schema as Json;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (only !== undefined) return only;
  if (fallback !== undefined) return fallback;
  if (Array.isArray(words)) return words[0];
  if (Array.isArray(anyOf)) return exampleOf(anyOf[0], isRequest, name);
  if (Array.isArray(allOf)) return Object.assign({}, ...allOf.map((part) => exampleOf(part, isRequest)));
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object':
      return objectExample(schema as Json, isRequest);
    case 'array':
      return listExample(schema as Json, isRequest);
    case 'integer':
    case 'number':
      return numberExample(schema as Json);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'string':
      return typeof format === 'string' && FORMATS[format] !== undefined
        ? FORMATS[format]
        : textExample(schema as Json, name);
    default:
      return {};
  }
}

function objectExample({ properties = {}, required = [], minProperties }: Json, isRequest: boolean): Json {
  const names = required as string[];
  const entries = Object.entries(properties as Record<string, Json>);
  const kept = entries.filter(([name, one]) => !isRequest || names.includes(name) || 'examples' in one);
  const shown = kept.length === 0 && (minProperties !== undefined || isRequest) ? entries.slice(0, 1) : kept;
  return Object.fromEntries(shown.map(([name, one]) => [name, exampleOf(one, isRequest, name)]));
}

function listExample({ items, minItems = 1, maxItems = 1 }: Json, isRequest: boolean): unknown[] {
  const count = Math.min(Math.max(1, minItems as number), maxItems as number);
  return Array.from({ length: count }, () => exampleOf(items, isRequest));
}

function numberExample({ minimum, maximum, exclusiveMinimum, multipleOf }: Json): number {
  const least = (minimum as number | undefined) ?? ((exclusiveMinimum as number | undefined) ?? 0) + 1;
  const step = (multipleOf as number | undefined) ?? 1;
  return Math.min(Math.max(1, Math.ceil(least / step) * step), (maximum as number | undefined) ?? Infinity);
}

function textExample({ pattern, minLength = 0, maxLength = Infinity }: Json, name: string): string {
  const fits = (text: string): boolean =>
    text.length >= (minLength as number) &&
    text.length <= (maxLength as number) &&
    (pattern === undefined || new RegExp(pattern as string, 'u').test(text));
  const own = TEXTS[name] ?? (pattern === undefined ? 'text' : undefined);
  return [...(own === undefined ? [] : [own]), ...PATTERNS, 'text'.repeat(10), ''].find(fits) ?? '…';
}

/** The answer of each of the errors, once. */
export const errorExamples = (codes: Iterable<ErrorCode>): Record<string, Json> =>
  Object.fromEntries([...codes].sort().map((code) => [code, { value: errorExample(code) }]));

function errorExample(code: ErrorCode): Json {
  const { status, message, hint }: ErrorDefinition = ERRORS[code];
  const isInput = code === 'VALIDATION_FAILED';
  const field = { path: 'body.name', message: 'is required' };
  return {
    statusCode: status,
    error: STATUS_CODES[status] ?? 'Error',
    code,
    message: isInput ? `${field.path} ${field.message}` : message.replace(/\{\w+\}/g, '…'),
    hint,
    ...(isInput ? { details: [field] } : {}),
    requestId: '41dfd5b641-1',
  };
}
