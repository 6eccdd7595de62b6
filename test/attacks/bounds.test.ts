import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';

interface Schema {
  type?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  required?: string[];
}

const NUMBERS = [
  ...['0x3', '3e0', '3E0', '%203', '3%20', '+3', '%2B3', '03', '3.0', '3.5', '-0', '1_0', '٣', '３', '3n', '0b11'],
  ...['-1e3', '9007199254740992', '1e400', '99999999999999999999', '-9223372036854775809', 'NaN', 'Infinity', 'null'],
  ...['%00', '3%00', '3;', "3'--", '[]', '{}', ''],
];
const TEXTS = [
  '%00',
  '..%2f..%2fetc',
  '%F0%9F%98%80',
  '0x3',
  'a'.repeat(500),
  "'%20OR%201=1",
  '%ED%A0%80',
  '__proto__',
];
const NUMERIC = new Set(['integer', 'number']);

const schemaOf = (op: Operation, part: 'params' | 'query'): Record<string, Schema> =>
  ((op[part] as Schema | undefined)?.properties ?? {}) as Record<string, Schema>;

/** The path with each parameter filled in, one of them with the given text. */
function pathOf(op: Operation, name?: string, text?: string): string {
  const path = op.path.replace(/\{(\w+)\}/g, (_place, key: string) => {
    if (key === name) return text as string;
    if (NUMERIC.has(schemaOf(op, 'params')[key]?.type ?? '')) return '1';
    return key === 'app' || (key === 'name' && op.path.startsWith('/apps/')) ? 'live' : 'x';
  });
  return op.root ? `/${path}` : path;
}

describe('numbers and ids', () => {
  const daemon = sharedDaemon();
  const send = (op: Operation, url: string) =>
    daemon.api.call(op.method, url, op.body && !op.bodyOptional ? {} : undefined);
  /** The default app and the test's own token, which no misspelt id may touch. */
  const untouched = async (): Promise<void> => {
    assert.equal((await daemon.api.get('/apps/live')).status, 200);
    assert.equal((await daemon.api.get('/auth/me')).status, 200);
  };

  test('every whole number that a caller can send has a smallest and a largest value', () => {
    const open: string[] = [];
    const walk = (schema: Schema | undefined, place: string): void => {
      if (schema === undefined) return;
      if (schema.type === 'integer' && (schema.minimum === undefined || schema.maximum === undefined)) open.push(place);
      if ((schema.maximum ?? 0) > Number.MAX_SAFE_INTEGER) open.push(place);
      for (const [key, value] of Object.entries(schema.properties ?? {})) walk(value, `${place}.${key}`);
      walk(schema.items, `${place}[]`);
      for (const one of schema.anyOf ?? []) walk(one, place);
    };
    for (const op of operations as readonly Operation[])
      for (const part of ['params', 'query', 'headers', 'body'] as const) walk(op[part] as Schema, `${op.id} ${part}`);
    assert.deepEqual(open, []);
  });

  for (const op of operations as readonly Operation[]) {
    if (op.produces === 'text/event-stream') continue;
    test(`${op.id}: no hostile spelling of a parameter is taken or ends as 500`, async () => {
      for (const [name, { type = '' }] of Object.entries(schemaOf(op, 'params'))) {
        for (const text of NUMERIC.has(type) ? NUMBERS : TEXTS) {
          const { status, body } = await send(op, pathOf(op, name, text));
          // 503: a well-formed id, but nothing to ask for it here
          const isAnswered = (status >= 400 && status < 500) || (status === 503 && !NUMERIC.has(type));
          assert.ok(isAnswered, `${op.method} ${pathOf(op, name, text)}: ${status}`);
          if (op.method !== 'GET' || status !== 404 || typeof body === 'object') assert.equal(body.statusCode, status);
        }
      }
      if (op.method !== 'GET') return;
      for (const [name, { type = '' }] of Object.entries(schemaOf(op, 'query'))) {
        for (const text of NUMERIC.has(type) ? NUMBERS : TEXTS) {
          const { status } = await send(op, `${pathOf(op)}?${name}=${text}`);
          assert.ok(status < 500 || status === 503, `${name}=${text}: ${status}`);
          if (NUMERIC.has(type)) assert.ok(status >= 400, `${name}=${text}: ${status}`);
        }
        if (!NUMERIC.has(type)) continue;
        for (const text of ['9007199254740991', '1&limit=2&offset=3'])
          assert.ok((await send(op, `${pathOf(op)}?${name}=${text}`)).status < 504, `${name}=${text}`);
      }
      await untouched();
    });
  }

  test('a token is revoked by its id in plain digits only', async () => {
    const { id, token } = (await daemon.api.post('/tokens', { name: 'kept', scope: 'global' })).body;
    for (const text of [`0x${id.toString(16)}`, `${id}e0`, `+${id}`, `%20${id}`, `0${id}`, `${id}.0`])
      assert.equal((await daemon.api.delete(`/tokens/${text}`)).status, 400, text);
    assert.equal((await daemon.api.as(token).get('/auth/me')).status, 200);
    assert.equal((await daemon.api.delete(`/tokens/${id}`)).status, 204);
  });

  test('the largest offset is an empty page', async () => {
    for (const path of ['/audit', '/jobs', '/logs', '/users', '/apps/live/vods', '/apps/live/streams']) {
      const { status, body } = await daemon.api.get(`${path}?offset=${Number.MAX_SAFE_INTEGER}`);
      assert.deepEqual([status, body.data], [200, []], path);
      assert.equal((await daemon.api.get(`${path}?offset=9007199254740992`)).status, 400, path);
    }
  });
});

describe('bodies', () => {
  const daemon = sharedDaemon({ STREAMHUB_CLUSTER_TOKEN: 'c'.repeat(40) });

  test('deep nesting is refused before anything walks through it', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = (levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`;
      const stats = `{"stats":{"x":${deep(10_000)}}}`;
      const heartbeat = await daemon.api
        .as(null)
        .post('/cluster/nodes/1/heartbeat', stats, { 'x-cluster-token': 'c'.repeat(40) });
      assert.equal(heartbeat.status, 400, heartbeat.text);
      for (const [method, path] of [
        ['POST', '/apps'],
        ['PATCH', '/apps/live/config'],
        ['PUT', '/apps/live/s3'],
        ['POST', '/tokens'],
      ] as const) {
        const { status, body } = await daemon.api.call(method, path, deep(10_000));
        assert.deepEqual([status, body.code], [400, 'BAD_JSON'], path);
      }
      const flat = `{"name":"flat","x":"${'[{'.repeat(500)}\\"[["}`;
      assert.notEqual((await daemon.api.post('/apps', flat)).body.code, 'BAD_JSON', 'brackets in a text are no depth');
    }
  });

  test('names are texts on one line, so that they can’t write to terminals, logs and mails', async () => {
    for (const name of ['red \u001b[31m', 'two\nlines', 'a\u0000b', 'next\u0085line', 'line\u2028separator'])
      for (const [method, path, body] of [
        ['POST', '/tokens', { name, scope: 'global' }],
        ['POST', '/tenants', { name }],
        ['PATCH', '/alerts/disk-low', { name }],
        ['POST', '/alerts/channels', { name, kind: 'desktop' }],
        ['POST', '/apps', { name: 'by-name', displayName: name }],
        ['POST', '/apps/live/ingress', { type: 'rtmp', name }],
      ] as const) {
        const { status, body: answer, text } = await daemon.api.call(method, path, body);
        const wanted = [
          {
            path: path === '/apps' ? 'body.displayName' : 'body.name',
            message: 'must be a text on one line, without control characters',
          },
        ];
        assert.equal(status, 400, `${path}: ${text}`);
        assert.deepEqual(answer.details, wanted, path);
      }
  });

  test('only application/json is read; a body of another type never counts as none', async () => {
    const types = ['application/jsonp', 'application/json-patch+json', 'application/json5', 'application/ld+json'];
    for (const type of [...types, 'text/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const created = await daemon.api.post('/apps', '{"name":"by-type"}', { 'content-type': type });
      assert.deepEqual([created.status, created.body.code], [400, 'VALIDATION_FAILED'], type);
      const joined = await daemon.api.post('/apps/live/tokens', '{"room":"live-x"}', { 'content-type': type });
      assert.deepEqual([joined.status, joined.body.code], [400, 'VALIDATION_FAILED'], type);
    }
    for (const type of ['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;charset=UTF-8']) {
      const created = await daemon.api.post('/apps', '{"name":"-"}', { 'content-type': type });
      assert.match(created.body.details[0].path, /name/, type);
    }
  });
});

describe('what never becomes a request', () => {
  const daemon = sharedDaemon();

  async function raw(...parts: string[]): Promise<{ status: number; head: string; body: any }> {
    const socket = net.connect(Number(new URL(daemon.url).port), '127.0.0.1');
    await once(socket, 'connect');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    socket.on('error', () => {});
    for (const part of parts) socket.write(part);
    await once(socket, 'close');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body: JSON.parse(body) };
  }

  for (const [what, status, ...parts] of [
    ['a broken escape in the path', 400, 'GET /api/v1/apps/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a lone surrogate in the path', 400, 'GET /api/v1/apps/%ED%A0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a broken escape at the root', 400, 'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    [
      'a part of the path that is too long',
      404,
      `GET /api/v1/jobs/${'1'.repeat(600)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    ],
    ['headers that are too large', 431, `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${'c'.repeat(20_000)}\r\n\r\n`],
    ['a request line that is too long', 431, `GET /?${'q'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['no HTTP at all', 400, 'hello\r\n\r\n'],
    ['an unknown method', 400, 'FLY / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no Host', 400, 'GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two lengths', 400, 'POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      400,
      'POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 400, 'POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    ['an unknown expectation', 417, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n'],
  ] as const) {
    test(`${what}: ${status} in the one error shape, with the security headers`, async () => {
      const answer = await raw(...parts);
      assert.equal(answer.status, status, answer.head);
      const { statusCode, error, code, message, requestId } = answer.body;
      assert.equal(statusCode, status);
      for (const text of [error, code, message, requestId]) assert.ok(typeof text === 'string' && text !== '');
      assert.match(answer.head, /content-type: application\/json; charset=utf-8/);
      for (const name of [
        'content-security-policy',
        'x-content-type-options: nosniff',
        'referrer-policy',
        'x-request-id',
      ])
        assert.ok(answer.head.includes(name), name);
      assert.equal(answer.head.split('x-content-type-options').length, 2, 'once');
    });
  }

  test('a broken escape in a query is a text like any other', async () => {
    assert.ok((await daemon.api.get('/logs?q=%zz')).status < 500);
    assert.equal((await daemon.api.get('/jobs?limit=%zz')).status, 400);
  });
});
