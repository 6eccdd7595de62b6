import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { CONFIG_FORMATS } from '#shared/config/formats.ts';
import { operations } from '#shared/contract/index.ts';
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
    for (const name of [
      'App',
      'Stream',
      'Vod',
      'Node',
      'Token',
      'Job',
      'Error',
      'Event',
      'CallbackMessage',
      'Room',
      'Plugin',
    ])
      assert.ok(components['schemas']?.[name], name);
    assert.deepEqual(components['schemas']?.['JobEnvelope']?.['properties'], {
      data: { $ref: '#/components/schemas/Job' },
      error: { type: 'null', description: 'Always null in a success.' },
    });
  });

  it('are all there that are referred to, and none is there for nothing, like the answers that are shared', () => {
    const referred = new Set(
      [...objects(document, '')].flatMap(([{ $ref }]) => (typeof $ref === 'string' ? [$ref] : [])),
    );
    for (const kind of ['schemas', 'responses']) {
      const place = `#/components/${kind}/`;
      const named = Object.keys(components[kind] as object).map((name) => place + name);
      assert.deepEqual(new Set([...referred].filter((ref) => ref.startsWith(place))), new Set(named));
    }
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

/** What requests and answers contain, with its place; answers that several operations share are there once. */
function* contents(): Generator<[place: string, content: unknown]> {
  for (const [path, operations] of Object.entries(document['paths'] as Record<string, Record<string, Json>>))
    for (const [method, op] of Object.entries(operations)) {
      yield [`${method} ${path} request`, (op['requestBody'] as Json | undefined)?.['content']];
      for (const [status, response] of Object.entries(op['responses'] as Record<string, Json>))
        yield [`${method} ${path} ${status}`, response['content']];
    }
  for (const [name, response] of Object.entries(components['responses'] ?? {})) yield [name, response['content']];
}

test('an answer that is not JSON has its media types', () => {
  const types = (id: string, status: string) => {
    const described = Object.values(document['paths'] as Record<string, Record<string, Json>>)
      .flatMap((path) => Object.values(path))
      .find(({ operationId }) => operationId === id);
    const responses = described?.['responses'] as Record<string, Json> | undefined;
    return Object.keys(responses?.[status]?.['content'] ?? {});
  };
  const files = operations.filter(({ produces }) => produces !== undefined);
  assert.ok(files.length >= 10, String(files.length));
  for (const { id, produces, responses } of files)
    for (const status of Object.keys(responses)) assert.equal(types(id, status)[0], produces, `${id} ${status}`);
  assert.deepEqual(types('exportSessions', '200'), ['text/csv', 'application/jsonl']);
  assert.ok(types('getAppFile', '206').includes('image/*'));
});

/** Every media type with an example, with its place. */
function* samples(): Generator<{ place: string; schema: Json; value: unknown }> {
  for (const [place, content] of contents()) {
    const media = (content as Record<string, Json> | undefined)?.['application/json'];
    if (media === undefined) continue;
    const schema = media['schema'] as Json;
    const examples = Object.values((media['examples'] ?? {}) as Record<string, Json>);
    if ('example' in media) yield { place, schema, value: media['example'] };
    else assert.ok(examples.length > 0, `${place} has no example`);
    for (const { $ref } of examples) {
      const code = String($ref).split('/').at(-1) as string;
      yield { place: `${place} ${code}`, schema, value: components['examples']?.[code]?.['value'] };
    }
  }
}

test('every example fits its schema', () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  for (const [name, check] of Object.entries(CONFIG_FORMATS)) ajv.addFormat(name, check);
  ajv.addSchema({ $id: 'document', components: { schemas: components['schemas'] } });
  const compiled = new Map<string, ValidateFunction>();
  const wrong: string[] = [];
  for (const { place, schema, value } of samples()) {
    const text = JSON.stringify(schema).replaceAll('"#/components', '"document#/components');
    let validate = compiled.get(text);
    if (validate === undefined) compiled.set(text, (validate = ajv.compile(JSON.parse(text))));
    if (!validate(value)) wrong.push(`${place}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
  }
  assert.deepEqual(wrong, []);
});
