import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openApiDocument } from './openapi.ts';

type Json = Record<string, unknown>;

const document = openApiDocument('1.2.3', '/api/v1');
const components = document['components'] as Record<string, Record<string, Json>>;

/** Every object of the document below a value, with its place. */
function* objects(value: unknown, place: string): Generator<[object: Json, place: string]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [value as Json, place];
  for (const [key, part] of Object.entries(value))
    if (key !== 'example' && key !== 'examples') yield* objects(part, `${place}/${key}`);
}

describe('the schemas of the OpenAPI document', () => {
  it('have the names of what they describe', () => {
    for (const name of ['App', 'Stream', 'Vod', 'Node', 'Token', 'Job', 'Error', 'Room', 'Plugin', 'Incident'])
      assert.ok(components['schemas']?.[name], name);
    assert.deepEqual(components['schemas']?.['JobEnvelope']?.['properties'], {
      data: { $ref: '#/components/schemas/Job' },
      error: { type: 'null', description: 'Always null in a success.' },
    });
  });

  it('are all there that are referred to, and none is there for nothing', () => {
    const named = new Set(Object.keys(components['schemas'] as object).map((name) => `#/components/schemas/${name}`));
    const referred = new Set(
      [...objects(document, '')].flatMap(([{ $ref }]) => (typeof $ref === 'string' ? [$ref] : [])),
    );
    const schemas = [...referred].filter((ref) => ref.startsWith('#/components/schemas/'));
    assert.deepEqual(new Set(schemas), named);
  });

  it('are written once: what has fields or words and is used twice has a name', () => {
    const places = new Map<string, string>();
    for (const [schema, place] of objects(document, '')) {
      const isWords = Array.isArray(schema['enum']);
      const isObject = schema['type'] === 'object' && Object.keys((schema['properties'] ?? {}) as object).length > 0;
      if ((!isWords && !isObject) || /^\/components\/schemas\/\w+$/.test(place)) continue;
      const { description: _description, default: _default, ...rest } = schema;
      const text = JSON.stringify(rest);
      assert.equal(places.get(text), undefined, `${place} is the same as ${places.get(text)}: give it a title`);
      places.set(text, place);
    }
  });
});
