import type { FastifyInstance } from 'fastify';
import { type Operation, refusesUnknownFields } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { nearest } from '#shared/nearest.ts';

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
}

/** What is known of a value that some schemas describe, compiled once for each body: heartbeats come by the thousand. */
interface Shape {
  /** Null: nothing below it has names. */
  fields: Map<string, Shape | null>;
  /** Further names are allowed. */
  isOpen: boolean;
  items: Shape | null;
}

const shapes = new WeakMap<Operation, Shape | null>();
const MAX_NAMED = 10;

/** Does what the operation says with fields of a body that nobody reads: it is refused, or they are named in a `Warning` header. */
export function installUnknownFields(app: FastifyInstance): void {
  app.addHook('preValidation', (request, reply, done) => {
    const { operation: op } = request.routeOptions.config as { operation?: Operation };
    const { body } = request;
    if (op?.body === undefined || typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return done();
    let shape = shapes.get(op);
    if (shape === undefined) {
      shape = shapeOf([op.body as Schema]);
      shapes.set(op, shape);
    }
    const unknown: Unknown[] = [];
    if (shape !== null) addUnknown(shape, body, 'body', unknown);
    if (unknown.length === 0) return done();
    if (refusesUnknownFields(op)) {
      const details = unknown.map(({ path, near }) => ({
        path,
        message:
          near === undefined
            ? 'is not a field of this request'
            : `is not a field of this request; did you mean ${near}?`,
      }));
      const reason = details.map(({ path, message }) => `${path} ${message}`).join('; ');
      return done(new ApiError('VALIDATION_FAILED', { reason }, { details }));
    }
    const names = unknown.map(({ path }) => path.replace(/[^\x21-\x7e]|["\\]/g, '?').slice(0, 80)).join(', ');
    // 299: miscellaneous persistent warning (RFC 7234, 5.5)
    reply.header('warning', `299 - "ignored unknown fields: ${names}"`);
    done();
  });
}

/** Fields of a value that is not a request, e.g. a file, that its schema doesn’t know. */
export function unknownFields(schema: object, value: unknown): readonly Unknown[] {
  const shape = shapeOf([schema as Schema]);
  const found: Unknown[] = [];
  if (shape !== null && typeof value === 'object' && value !== null) addUnknown(shape, value, '', found);
  return found.map(({ path, near }) => ({ path: path.replace(/^\./, ''), near }));
}

interface Unknown {
  path: string;
  near: string | undefined;
}

/** Adds the fields of a value that its shape doesn't know. */
function addUnknown(shape: Shape, value: object, path: string, found: Unknown[]): void {
  if (Array.isArray(value)) {
    if (shape.items === null) return;
    for (const [index, one] of value.entries())
      if (typeof one === 'object' && one !== null) addUnknown(shape.items, one, `${path}.${index}`, found);
    return;
  }
  for (const name of Object.keys(value)) {
    const inner = shape.fields.get(name);
    if (inner === undefined) {
      if (shape.isOpen || found.length >= MAX_NAMED) continue;
      found.push({ path: `${path}.${name}`, near: nearest(name, [...shape.fields.keys()]) });
    } else if (inner !== null) {
      const part = (value as Record<string, unknown>)[name];
      if (typeof part === 'object' && part !== null) addUnknown(inner, part, `${path}.${name}`, found);
    }
  }
}

const alternatives = (schema: Schema): readonly Schema[] =>
  schema.anyOf?.flatMap(alternatives) ?? schema.allOf?.flatMap(alternatives) ?? [schema];

/** The shape of a value that any of the schemas describes; null when nothing in it has names. */
function shapeOf(schemas: readonly Schema[]): Shape | null {
  const all = schemas.flatMap(alternatives);
  const objects = all.filter(({ type, properties }) => type === 'object' || properties !== undefined);
  const elements = all.flatMap(({ items }) => items ?? []);
  if (objects.length === 0 && elements.length === 0) return null;
  const named = new Map<string, Schema[]>();
  for (const { properties = {} } of objects)
    for (const [name, property] of Object.entries(properties)) named.set(name, [...(named.get(name) ?? []), property]);
  return {
    fields: new Map([...named].map(([name, properties]) => [name, shapeOf(properties)])),
    isOpen: objects.length === 0 || objects.some(({ additionalProperties }) => additionalProperties !== false),
    items: elements.length === 0 ? null : shapeOf(elements),
  };
}
