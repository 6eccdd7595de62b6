import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { operations } from '#shared/contract/index.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';

describe('HTTP conventions', () => {
  const daemon = sharedDaemon();

  for (const [what, header] of Object.entries({
    'no credential': undefined,
    'an empty Bearer': 'Bearer ',
    Basic: 'Basic dXNlcjpwYXNz',
    'an unknown token': `Bearer sk_${'x'.repeat(43)}`,
    'a word': 'Bearer word',
    'two values': 'Bearer a b',
  })) {
    test(`${what} is 401 in the one error shape`, async () => {
      const { status, body, headers } = await daemon.api
        .as(null)
        .call('GET', '/apps', undefined, header ? { authorization: header } : {});
      assert.equal(status, 401);
      assert.deepEqual([body.statusCode, body.error, body.code], [401, 'Unauthorized', 'UNAUTHENTICATED']);
      assert.equal(typeof body.message, 'string');
      assert.equal(body.requestId, headers.get('x-request-id'));
    });
  }

  test('the scheme is read in any case, with extra spaces', async () => {
    for (const header of [`bearer ${daemon.token}`, `BEARER   ${daemon.token} `]) {
      assert.equal((await daemon.api.as(null).get('/apps', { authorization: header })).status, 200);
    }
  });

  test('a credential in the query is none', async () => {
    assert.equal(
      (await daemon.api.as(null).get(`/apps?token=${daemon.token}&access_token=${daemon.token}`)).status,
      401,
    );
  });

  test('rights are tested before the body', async () => {
    assert.equal((await daemon.api.as(null).post('/apps', '{broken')).status, 401);
    assert.equal((await daemon.api.as(null).post('/tokens', {})).status, 401);
  });

  test('broken JSON is 400 and names no internals', async () => {
    const { status, body, text } = await daemon.api.post('/apps', '{"name": ');
    assert.equal(status, 400);
    assert.equal(body.code, 'BAD_JSON');
    assert.ok(!/at .*\.(ts|js)/.test(text));
  });

  test('a body in another charset is refused, and nothing of it is stored', async () => {
    const latin = Buffer.from('{"displayName":"Käse"}', 'latin1');
    const damaged = await daemon.api.patch('/apps/live', latin);
    assert.deepEqual([damaged.status, damaged.body.code], [400, 'BAD_JSON']);
    assert.match(damaged.body.message, /it is not UTF-8/);
    for (const charset of ['iso-8859-1', '"UTF-16"', 'utf-80']) {
      const type = { 'content-type': `application/json; charset=${charset}` };
      const { status, body } = await daemon.api.patch('/apps/live', latin, type);
      assert.deepEqual([status, body.code], [400, 'BAD_REQUEST']);
      assert.match(body.message, /Send it as UTF-8/);
    }
    const type = { 'content-type': 'application/json;charset="UTF-8"' };
    const stored = await daemon.api.patch('/apps/live', { displayName: 'Käse' }, type);
    assert.deepEqual([stored.status, stored.body.displayName], [200, 'Käse']);
  });

  test('half a character is refused with its field, and escaped whole ones are taken', async () => {
    const half = 'contains half a character (a lone surrogate)';
    // as a program sends it that cuts a text between the two halves of an emoji
    const cut = 'party 🎉'.slice(0, -1);
    for (const [place, body, path] of [
      ['/tokens', { name: cut, scope: 'global' }, 'body.name'],
      ['/apps/live/tokens', { identity: 'ana', metadata: cut }, 'body.metadata'],
      ['/plan', { files: [{ path: 'cluster.yaml', text: cut }] }, 'body.files.0.text'],
      ['/apps/live/rooms', { room: 'stage', [cut]: 1 }, 'body'],
    ] as const) {
      const refused = await daemon.api.post(place, JSON.stringify(body));
      assert.deepEqual([refused.status, refused.body.details], [400, [{ path, message: half }]], place);
    }
    assert.equal((await daemon.api.as(null).post('/tokens', JSON.stringify({ name: cut }))).status, 401);
    const whole = await daemon.api.patch('/apps/live', '{"displayName":"\\ud83c\\udf89"}');
    assert.deepEqual([whole.status, whole.body.displayName], [200, '🎉']);
  });

  test('a compressed body is refused as that, and the connection takes the next request', async () => {
    const zipped = gzipSync('{"name":"zipped"}');
    for (const [place, type] of [
      ['/apps', 'application/json'],
      ['/plugins', 'application/gzip'],
      ['/apps', 'text/plain'],
    ] as const) {
      const { status, body } = await daemon.api.call('POST', place, zipped, {
        'content-type': type,
        'content-encoding': 'gzip',
      });
      assert.deepEqual([status, body.code], [400, 'BAD_REQUEST'], type);
      assert.match(body.message, /Content-Encoding gzip\. Send it without compression/);
    }
    const plain = await daemon.api.post('/apps', { name: 'not-zipped' }, { 'content-encoding': 'identity' });
    assert.equal(plain.status, 201, plain.text);
  });

  test('a body that is not JSON is ignored, so its fields are missing', async () => {
    const { status, body } = await daemon.api.post('/apps', 'name=form', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    assert.equal(status, 400);
    assert.equal(body.code, 'VALIDATION_FAILED');
  });

  test('prototype keys in a body are refused', async () => {
    assert.equal((await daemon.api.post('/apps', '{"name":"proto","__proto__":{"x":1}}')).status, 400);
  });

  test('a body over 100 KiB is 413; one of exactly that size is read', async () => {
    const filler = (bytes: number): string => {
      const head = '{"name":"Q","x":"';
      return `${head}${'x'.repeat(bytes - head.length - 2)}"}`;
    };
    assert.equal((await daemon.api.post('/apps', filler(102_400))).status, 400);
    const { status, body } = await daemon.api.post('/apps', filler(102_401));
    assert.equal(status, 413);
    assert.equal(body.code, 'BODY_TOO_LARGE');
  });

  test('an unknown route is 404 without a credential, in the same shape', async () => {
    const { status, body } = await daemon.api.as(null).get('/nothing/here?secret=1');
    assert.equal(status, 404);
    assert.equal(body.code, 'ROUTE_NOT_FOUND');
    assert.ok(!body.message.includes('secret'));
  });

  test('an address with an empty part, or a slash at its end, is of no route', async () => {
    for (const [method, path] of [
      ['GET', '/apps/'],
      ['DELETE', '/apps/'],
      ['GET', '/apps//config'],
      ['GET', '/apps/live/'],
      ['GET', '/apps/live/vods/'],
      ['GET', '/jobs/'],
      ['GET', '/plugins/'],
    ] as const) {
      const { status, body } = await daemon.api.call(method, path);
      assert.deepEqual([status, body.code], [404, 'ROUTE_NOT_FOUND'], path);
      assert.equal(body.message, `No route answers ${method} /api/v1${path}.`);
    }
  });

  test('security headers are set and the server does not name itself', async () => {
    const { headers } = await daemon.api.get('/apps');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.ok(headers.get('referrer-policy'));
    assert.equal(headers.get('x-powered-by'), null);
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f]{10}-\w+$/);
  });

  test('the OpenAPI document and the API reference need no credential', async () => {
    const api = daemon.api.as(null);
    const { status, body } = await api.get('/openapi.json');
    assert.equal(status, 200);
    assert.equal(body.openapi, '3.1.0');
    const ids = Object.values<Record<string, { operationId: string }>>(body.paths).flatMap((path) =>
      Object.values(path).map((op) => op.operationId),
    );
    assert.deepEqual(ids.sort(), operations.map((op) => op.id).sort());
    const docs = await api.get('/docs');
    assert.equal(docs.status, 200);
    assert.match(docs.headers.get('content-type') ?? '', /text\/html/);
    assert.match(docs.headers.get('content-security-policy') ?? '', /script-src 'self';/);
  });

  test('every operation is bound to a route, and every route below the base is an operation', async () => {
    for (const op of operations) {
      const url = ((op.root ? '' : '/api/v1') + op.path).replace(/\{(\w+)\}/g, ':$1');
      assert.ok(daemon.app.hasRoute({ method: op.method, url }), `${op.method} ${url}`);
    }
  });

  test('HEAD answers as GET without the body, with the same rights; the event stream has none', async () => {
    const ofHealth = await daemon.api.as(null).call('HEAD', '/health');
    assert.deepEqual([ofHealth.status, ofHealth.text], [200, '']);
    const list = await daemon.api.get('/apps');
    const head = await daemon.api.call('HEAD', '/apps');
    const told = ({ headers }: typeof list) => [headers.get('content-length'), headers.get('etag')];
    assert.ok(list.headers.get('etag'));
    assert.deepEqual([head.status, head.text, ...told(head)], [200, '', ...told(list)]);
    const known = { 'if-none-match': list.headers.get('etag') as string };
    assert.equal((await daemon.api.call('HEAD', '/apps', undefined, known)).status, 304);
    assert.equal((await daemon.api.as(null).call('HEAD', '/apps')).status, 401);
    for (const place of ['//watch/live/live-stage', '//sdk/hls.mjs', '//telemetry.js', '/docs', '/openapi.json'])
      assert.equal((await daemon.api.call('HEAD', place)).status, (await daemon.api.get(place)).status, place);
    assert.equal((await daemon.api.call('HEAD', '/events')).status, 404);
    assert.equal((await daemon.api.call('HEAD', '/tokens/1')).status, 404);
  });

  test('field errors say in words what is wrong', async () => {
    const said = async (body: object) => (await daemon.api.post('/apps', body)).body.message;
    assert.match(await said({ name: 'a_b' }), /^body\.name must be 3 to 32 of a-z, 0-9 and -/);
    assert.equal(await said({ name: 'abc', displayName: 5 }), 'body.displayName must be text');
    assert.equal(
      await said({ name: 'abc', displayName: 'x'.repeat(101) }),
      'body.displayName must have 100 characters at most',
    );
    // a character is one, however many code units it takes
    const astral = await said({ name: 'abc', displayName: '🎥'.repeat(101) });
    assert.equal(astral, 'body.displayName must have 100 characters at most');
    assert.equal((await daemon.api.post('/apps', { name: 'films', displayName: '🎥'.repeat(100) })).status, 201);
    assert.match((await daemon.api.call('POST', '/apps')).body.message, /^body must be a JSON object/);
    assert.equal((await daemon.api.get('/logs?limit=0')).body.message, 'query.limit must be 1 or more');
    for (const [query, key] of [
      ['limit=1&limit=2', 'limit'],
      ['status=ready&status=failed', 'status'],
      ['status=ready&status=ready&limit=1', 'status'],
    ]) {
      const { status, body } = await daemon.api.get(`/apps/live/vods?${query}`);
      assert.deepEqual([status, body.message], [400, `query.${key} may be given only once`]);
    }
    assert.equal((await daemon.api.get('/apps/live/vods?unknown=1&unknown=2')).status, 200);
    assert.equal(
      (await daemon.api.patch('/apps/live', { splitMinutes: '15' })).body.message,
      'body.splitMinutes must be a whole number',
    );
  });

  test('operation ids are unique', () => {
    const ids = operations.map((op) => op.id);
    assert.equal(new Set(ids).size, ids.length);
  });
});
