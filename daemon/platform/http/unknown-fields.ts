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

/** What a schema says of objects; `isOpen`: any further names are allowed. */
interface Shape {
  fields: ReadonlyMap<string, readonly Schema[]>;
  isOpen: boolean;
}

const shapes = new WeakMap<Schema, Shape>();
const MAX_NAMED = 10;

/** Does what the operation says with fields of a body that nobody reads: it is refused, or they are named in a `Warning` header. */
export function installUnknownFields(app: FastifyInstance): void {
  app.addHook('preValidation', (request, reply, done) => {
    const { operation: op } = request.routeOptions.config as { operation?: Operation };
    const { body } = request;
    if (op?.body === undefined || typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return done();
    const unknown = unknownFields([op.body as Schema], body, 'body', []);
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

interface Unknown {
  path: string;
  near: string | undefined;
}

/** Adds the unknown fields of a value that any of the schemas describes. */
function unknownFields(schemas: readonly Schema[], value: unknown, path: string, found: Unknown[]): Unknown[] {
  if (typeof value !== 'object' || value === null || found.length >= MAX_NAMED) return found;
  if (Array.isArray(value)) {
    const items = schemas.flatMap(alternatives).flatMap(({ items }) => items ?? []);
    if (items.length > 0)
      for (const [index, one] of value.entries()) unknownFields(items, one, `${path}.${index}`, found);
    return found;
  }
  const parts = schemas.map(shapeOf);
  const isOpen = parts.some((part) => part.isOpen);
  for (const [name, inner] of Object.entries(value)) {
    const known = parts.flatMap(({ fields }) => fields.get(name) ?? []);
    if (known.length > 0) unknownFields(known, inner, `${path}.${name}`, found);
    else if (!isOpen && found.length < MAX_NAMED)
      found.push({
        path: `${path}.${name}`,
        near: nearest(
          name,
          parts.flatMap(({ fields }) => [...fields.keys()]),
        ),
      });
  }
  return found;
}

const alternatives = (schema: Schema): readonly Schema[] =>
  schema.anyOf?.flatMap(alternatives) ?? schema.allOf?.flatMap(alternatives) ?? [schema];

function shapeOf(schema: Schema): Shape {
  let shape = shapes.get(schema);
  if (shape === undefined) {
    const fields = new Map<string, Schema[]>();
    const objects = alternatives(schema).filter(
      ({ type, properties }) => type === 'object' || properties !== undefined,
    );
    for (const { properties = {} } of objects)
      for (const [name, property] of Object.entries(properties))
        fields.set(name, [...(fields.get(name) ?? []), property]);
    const isOpen = objects.length === 0 || objects.some(({ additionalProperties }) => additionalProperties !== false);
    shape = { fields, isOpen };
    shapes.set(schema, shape);
  }
  return shape;
}
