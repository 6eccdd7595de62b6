import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { Type } from 'typebox';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { operation } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { IDEMPOTENCY_KEYS_OF_CALLER } from '#shared/limits.ts';
import { object } from '#shared/schema/common.ts';
import { testBackground } from '#test/helpers/background.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { installErrorHandling } from '../errors.ts';
import { installParsers } from '../parsers.ts';
import { route } from '../route.ts';
import { installCompilers } from '../validation.ts';
import { installIdempotency } from './install.ts';
import { idempotencyRepository } from './repository.ts';
import { Idempotency } from './service.ts';

const HOUR = 3_600_000;
const createThing = operation({
  id: 'createThing',
  method: 'POST',
  path: '/things',
  tag: 'Test',
  summary: 'Create a thing',
  access: 'bearer',
  body: object({ name: Type.String(), size: Type.Optional(Type.Integer()) }),
  responses: { 201: object({ number: Type.Integer(), secret: Type.String() }) },
});

const sendThing = operation({
  id: 'sendThing',
  method: 'POST',
  path: '/files',
  tag: 'Test',
  summary: 'Send a file',
  access: 'bearer',
  uploads: ['application/gzip', 'text/yaml'],
  responses: { 201: object({ text: Type.String() }) },
});

/** A server with operations that create something, over a database that can be given to the next one. */
async function setUp(t: TestContext, file?: string) {
  const db = openDatabase(file ?? path.join(await temporaryDir(t), 'registry.db'));
  migrate(db, registryMigrations);
  // with a fraction, as the clock has one
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') + 0.5 };
  const idempotency = new Idempotency({
    repository: idempotencyRepository(db),
    secret: Buffer.alloc(32, 7),
    background: testBackground(),
    retentionNow: () => clock.now,
    log: { warn() {} } as never,
  });
  const app = fastify();
  installErrorHandling(app, '/nowhere');
  installParsers(app);
  installCompilers(app);
  app.decorateRequest('principal', null);
  app.addHook('onRequest', (request, _reply, done) => {
    request.principal = { userId: String(request.headers['x-caller'] ?? 'token:1') } as never;
    done();
  });
  installIdempotency(app, idempotency);
  const made: string[] = [];
  const gate = { open: Promise.resolve(), reached: () => {}, refuses: false };
  route(app, createThing, async ({ body, reply }) => {
    made.push(body.name);
    const number = made.length;
    gate.reached();
    await gate.open;
    if (body.name === 'broken') throw new ApiError('SHUTTING_DOWN');
    reply.header('location', `/things/${number}`);
    return { number, secret: `confidential-${number}` };
  });
  route(app, sendThing, async ({ request }) => {
    if (gate.refuses) throw new ApiError('IDEMPOTENT_REQUEST_RUNNING');
    const sent = await text(request.upload as Readable);
    made.push(sent);
    return { text: sent };
  });
  t.after(async () => {
    await app.close();
    db.close();
  });
  const post = (key: string | undefined, payload: object, caller = 'token:1') =>
    app.inject({
      method: 'POST',
      url: '/things',
      payload,
      headers: { 'x-caller': caller, ...(key === undefined ? {} : { 'idempotency-key': key }) },
    });
  const send = (body: string | Readable, type = 'application/gzip') =>
    app.inject({
      method: 'POST',
      url: '/files',
      payload: body,
      headers: { 'content-type': type, 'idempotency-key': 'key-1' },
    });
  return { app, db, clock, made, gate, post, send, idempotency };
}

test('a repeated request gets the first answer, and nothing happens again', async (t) => {
  const { made, post } = await setUp(t);
  const first = await post('key-1', { name: 'a', size: 1 });
  assert.equal(first.statusCode, 201);
  assert.equal(first.headers['idempotency-replayed'], undefined);
  // fields in another order, and the key as the quoted string of the draft
  const again = await post('"key-1"', { size: 1, name: 'a' });
  assert.deepEqual([again.statusCode, again.body, again.headers.location], [201, first.body, '/things/1']);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.headers['content-type'], first.headers['content-type']);
  assert.equal((await post(undefined, { name: 'a', size: 1 })).json().number, 2);
  assert.deepEqual(made, ['a', 'a']);
});

test('a key names one request of one caller', async (t) => {
  const { made, post } = await setUp(t);
  await post('key-1', { name: 'a' });
  const other = await post('key-1', { name: 'b' });
  assert.deepEqual([other.statusCode, other.json().code], [422, 'IDEMPOTENCY_KEY_REUSED']);
  assert.equal((await post('key-1', { name: 'b' }, 'token:2')).json().number, 2);
  assert.equal((await post('key-1', { name: 'b' }, 'token:2')).headers['idempotency-replayed'], 'true');
  assert.deepEqual(made, ['a', 'b']);
});

test('a key names one file', async (t) => {
  const { made, send } = await setUp(t);
  const long = 'x'.repeat(200_000);
  const first = await send(`${long}a`);
  assert.equal(first.statusCode, 201);
  const again = await send(`${long}a`);
  assert.deepEqual([again.body, again.headers['idempotency-replayed']], [first.body, 'true']);
  const others = {
    'of the same length': send(`${long}b`),
    shorter: send(long),
    longer: send(`${long}ab`),
    'of another type': send(`${long}a`, 'text/yaml'),
  };
  for (const [what, answer] of Object.entries(others)) {
    const { statusCode, body } = await answer;
    assert.deepEqual([statusCode, JSON.parse(body).code], [422, 'IDEMPOTENCY_KEY_REUSED'], what);
  }
  assert.deepEqual(made, [`${long}a`]);
});

test('after an upload that is refused, its connection takes the next request', async (t) => {
  const { app, gate } = await setUp(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => socket.destroy());
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  /** @returns the status; Node's own client stops to send when the answer comes early */
  const send = async (file: string) => {
    const size = file.length.toString(16);
    socket.write(
      `POST /files HTTP/1.1\r\nhost: a\r\ncontent-type: application/gzip\r\nidempotency-key: key-1\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n${file}\r\n0\r\n\r\n`,
    );
    for (;;) {
      const { value, done } = await answers.next();
      const [, status] = /HTTP\/1\.1 (\d+)/.exec(value ?? '') ?? [];
      if (status !== undefined || done) return Number(status);
    }
  };
  const long = 'x'.repeat(5_000_000);
  gate.refuses = true;
  assert.equal(await send(long), 409, 'before it is read');
  gate.refuses = false;
  assert.equal(await send('a'), 201);
  assert.equal(await send(long), 422, 'while it is read');
  assert.equal(await send('a'), 201);
});

test('a key names one file of a length that is not told', async (t) => {
  const { made, send } = await setUp(t);
  const inParts = (...parts: string[]) => send(Readable.from(parts));
  assert.equal((await inParts('one', 'two')).statusCode, 201);
  assert.equal((await inParts('onet', 'wo')).headers['idempotency-replayed'], 'true');
  for (const parts of [
    ['one', 'tw'],
    ['one', 'two', 'three'],
    ['one', 'six'],
  ])
    assert.equal((await inParts(...parts)).json().code, 'IDEMPOTENCY_KEY_REUSED', parts.join());
  assert.deepEqual(made, ['onetwo']);
});

test('a request that comes while the first one runs is told to wait', async (t) => {
  const { made, gate, post } = await setUp(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const reached = new Promise<void>((done) => Object.assign(gate, { open: promise, reached: done }));
  const first = post('key-1', { name: 'a' });
  await reached;
  const early = await post('key-1', { name: 'a' });
  assert.deepEqual([early.statusCode, early.json().code], [409, 'IDEMPOTENT_REQUEST_RUNNING']);
  assert.equal(early.headers['retry-after'], '1');
  resolve();
  assert.equal((await first).statusCode, 201);
  assert.equal((await post('key-1', { name: 'a' })).body, (await first).body);
  assert.deepEqual(made, ['a']);
});

test('a request that failed can be repeated with its key', async (t) => {
  const { made, post } = await setUp(t);
  for (const count of [1, 2]) {
    assert.ok((await post('key-1', { name: 'broken' })).statusCode >= 500);
    assert.equal(made.length, count);
  }
  // what never ran leaves nothing, too
  assert.equal((await post('key-1', { name: 7 })).statusCode, 400);
  assert.equal((await post('key-1', { name: 'a' })).statusCode, 201);
});

test('a request that the end of the daemon interrupted is not done again', async (t) => {
  const first = await setUp(t);
  await first.post('answered', { name: 'a' });
  const { promise, resolve } = Promise.withResolvers<void>();
  const reached = new Promise<void>((done) => Object.assign(first.gate, { open: promise, reached: done }));
  const cut = first.post('cut', { name: 'b' });
  await reached;
  // another process over the same database
  const next = await setUp(t, first.db.name);
  const answered = await next.post('answered', { name: 'a' });
  assert.deepEqual([answered.statusCode, answered.headers['idempotency-replayed']], [201, 'true']);
  const unknown = await next.post('cut', { name: 'b' });
  assert.deepEqual([unknown.statusCode, unknown.json().code], [409, 'IDEMPOTENT_REQUEST_UNKNOWN']);
  assert.ok(unknown.json().firstRequestId);
  assert.deepEqual(next.made, []);
  resolve();
  await cut;
});

test('keys end after a day, and a caller has a limited number of them', async (t) => {
  const { db, clock, made, post } = await setUp(t);
  await post('key-1', { name: 'a' });
  clock.now += 23 * HOUR;
  assert.equal((await post('key-1', { name: 'a' })).headers['idempotency-replayed'], 'true');
  clock.now += 2 * HOUR;
  assert.equal((await post('key-1', { name: 'b' })).json().number, 2);
  assert.deepEqual(made, ['a', 'b']);
  const insert = db.prepare("INSERT INTO idempotency_keys VALUES (?, 'token:1', x'00', 'r', ?, NULL)");
  db.transaction(() => {
    for (let n = 1; n < IDEMPOTENCY_KEYS_OF_CALLER; n += 1) insert.run(Buffer.from(`id ${n}`), Math.floor(clock.now));
  })();
  const full = await post('key-2', { name: 'c' });
  assert.deepEqual([full.statusCode, full.json().code], [429, 'IDEMPOTENCY_KEYS_USED_UP']);
  assert.equal(full.headers['retry-after'], String(24 * 3600));
  assert.equal((await post('key-1', { name: 'b' })).headers['idempotency-replayed'], 'true');
  assert.equal((await post('key-2', { name: 'c' }, 'token:2')).statusCode, 201);
});

test('keys are checked', async (t) => {
  const { made, post } = await setUp(t);
  for (const key of ['', ' ', 'two words', '"', '""', 'a"b', 'ä', 'x'.repeat(256), 'a, b']) {
    const { statusCode, body } = await post(key, { name: 'a' });
    assert.equal(statusCode, 400, `${key}: ${body}`);
    assert.match(body, /headers\.idempotency-key/);
  }
  assert.equal((await post('x'.repeat(255), { name: 'a' })).statusCode, 201);
  assert.equal(made.length, 1);
});

test('the database has neither the keys nor what they open', async (t) => {
  const { db, post } = await setUp(t);
  await post('key-in-clear-text', { name: 'a-name-in-clear' });
  db.pragma('wal_checkpoint(TRUNCATE)');
  const bytes = readFileSync(db.name, 'latin1');
  assert.ok(bytes.includes('token:1'));
  for (const word of ['key-in-clear', 'a-name-in-clear', 'confidential']) assert.ok(!bytes.includes(word), word);
});
