import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fastify from 'fastify';
import { Type } from 'typebox';
import { operation } from '#shared/contract/operation.ts';
import { envelope, object } from '#shared/schema/common.ts';
import { route } from './route.ts';
import { sendList } from './send-list.ts';
import { installCompilers } from './validation.ts';

const Item = object({ n: Type.Integer() });
const common = { method: 'GET', tag: 'Test', summary: 'For this test', access: 'public' } as const;

test('a memoized response is serialised once for each object, through the schema', async (t) => {
  const app = fastify();
  t.after(() => app.close());
  installCompilers(app);
  let reads = 0;
  const item = (n: number) => ({
    get n() {
      reads += 1;
      return n;
    },
    secret: 'x',
  });
  let current = item(1);
  const op = operation({ ...common, id: 'readItem', path: '/item', responses: { 200: Item } });
  route(app, op, () => current, { memo: true });
  const body = async () => (await app.inject('/item')).body;
  assert.deepEqual([await body(), await body(), reads], ['{"n":1}', '{"n":1}', 1]);
  current = item(2);
  assert.deepEqual([await body(), reads], ['{"n":2}', 2]);
});

test('a list that is sent in pieces passes the schema', async (t) => {
  const app = fastify();
  t.after(() => app.close());
  installCompilers(app);
  const op = operation({ ...common, id: 'listItems', path: '/items', responses: { 200: envelope(Type.Array(Item)) } });
  let count = 0;
  const items = () => Array.from({ length: count }, (_, n) => ({ n, secret: 'x' }));
  route(app, op, ({ reply }) => sendList(reply, Item, items()));
  for (count of [0, 1, 99, 100, 101, 250]) {
    const response = await app.inject('/items');
    assert.match(response.headers['content-type'] as string, /^application\/json/);
    assert.deepEqual(response.json(), { data: items().map(({ n }) => ({ n })), error: null });
  }
});

test('only platform/http turns responses into JSON', () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const files = globSync('daemon/**/*.ts', { cwd: root }).filter(
    (file) => !file.startsWith('daemon/platform/http/') && !file.endsWith('.test.ts'),
  );
  assert.ok(files.some((file) => file.endsWith('routes.ts')));
  const wrong = files.filter((file) =>
    /\.serializer\(|\.type\(\s*['"]application\/json/.test(readFileSync(path.join(root, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});
