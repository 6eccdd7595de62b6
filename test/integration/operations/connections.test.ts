import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { ConnectionTest } from '#shared/schema/connections.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { mailbox } from '#test/helpers/people.ts';

/** A port that nothing listens on. */
const NOBODY = '127.0.0.1:9';

/** The answer, and each step as `id state`. */
async function tried(daemon: TestDaemon, connection: string): Promise<{ told: ConnectionTest; steps: string[] }> {
  const answer = await daemon.api.post(`/system/connections/${connection}/test`);
  assert.equal(answer.status, 200, answer.text);
  const told = answer.body.data as ConnectionTest;
  for (const { state, cure } of told.steps) assert.equal(cure !== undefined, state === 'failed');
  assert.equal(
    told.ok,
    told.steps.every(({ state }) => state !== 'failed'),
  );
  return { told, steps: told.steps.map(({ id, state }) => `${id} ${state}`) };
}
const failed = ({ told }: { told: ConnectionTest }): string =>
  told.steps.find(({ state }) => state === 'failed')?.message ?? '';

/** One command to a Redis, which must answer OK. */
async function redis(url: string, command: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`${command}\r\n`);
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^\+OK/);
  socket.destroy();
}

test('what is not set up says which variables are missing', async (t) => {
  const daemon = await testDaemon(t);
  const livekit = await tried(daemon, 'livekit');
  assert.deepEqual(livekit.steps, [
    'settings failed',
    'resolve skipped',
    'connect skipped',
    'signIn skipped',
    'use skipped',
  ]);
  assert.equal(failed(livekit), 'LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set.');
  assert.match(failed(await tried(daemon, 'mail')), /^STREAMHUB_SMTP_HOST is not set/);
  const unknown = await daemon.api.post('/system/connections/smtp/test');
  assert.deepEqual([unknown.status, unknown.body.code], [400, 'VALIDATION_FAILED']);
  assert.match(unknown.body.message, /connection must be one of livekit, redis, mail/);
});

test('servers that are down or unknown fail at their step', async (t) => {
  const daemon = await testDaemon(t, {
    ...LIVEKIT_KEYS,
    LIVEKIT_URL: `ws://${NOBODY}`,
    REDIS_URL: 'redis://:hidden-word@nowhere.invalid',
    STREAMHUB_SMTP_HOST: '127.0.0.1',
    STREAMHUB_SMTP_PORT: '9',
  });
  const livekit = await tried(daemon, 'livekit');
  assert.deepEqual(livekit.steps.slice(0, 4), ['settings ok', 'resolve ok', 'connect failed', 'signIn skipped']);
  assert.equal(failed(livekit), '127.0.0.1, port 9: the connection was refused.');
  const redisDown = await tried(daemon, 'redis');
  assert.deepEqual(redisDown.steps.slice(0, 2), ['settings ok', 'resolve failed']);
  assert.match(failed(redisDown), /^nowhere\.invalid: its name cannot be resolved/);
  assert.equal(JSON.stringify(redisDown).includes('hidden-word'), false);
  const mail = await tried(daemon, 'mail');
  assert.deepEqual(mail.steps.slice(2, 4), ['connect failed', 'signIn skipped']);
});

test('the mail server is greeted and signed in to; nothing is sent', async (t) => {
  const box = await mailbox(t, { user: 'streamhub', pass: 'mail-word' });
  const daemon = await testDaemon(t, box.env);
  const good = await tried(daemon, 'mail');
  assert.deepEqual(good.steps, ['settings ok', 'resolve ok', 'connect ok', 'signIn ok', 'use ok']);
  assert.deepEqual(box.received, []);

  const wrong = await testDaemon(t, { ...box.env, STREAMHUB_SMTP_PASS: 'other-word' });
  const refused = await tried(wrong, 'mail');
  assert.deepEqual(refused.steps.slice(2), ['connect ok', 'signIn failed', 'use skipped']);
  assert.equal(failed(refused), 'The server refuses the user or the password (answer 535).');
  assert.equal(JSON.stringify(refused).includes('other-word'), false);

  const lacking = await testDaemon(t, { ...box.env, STREAMHUB_APP_URL: '', STREAMHUB_SMTP_FROM: '' });
  const cure = (await tried(lacking, 'mail')).told.steps.at(-1)?.cure;
  assert.match(cure ?? '', /STREAMHUB_SMTP_FROM and STREAMHUB_APP_URL/);
});

test('mail goes through the proxy of its own setting, which alone knows the server', async (t) => {
  const box = await mailbox(t);
  const asked: string[] = [];
  const proxy = http.createServer().on('connect', (request, client: Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    if (request.url !== 'mail.test:587') return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const server = connect(box.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => client.destroy() && server.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const env = { ...box.env, STREAMHUB_SMTP_PROXY: `http://us:hidden-word@127.0.0.1:${port}` };
  const through = async (smtpPort: string) =>
    tried(await testDaemon(t, { ...env, STREAMHUB_SMTP_HOST: 'mail.test', STREAMHUB_SMTP_PORT: smtpPort }), 'mail');
  assert.deepEqual((await through('587')).steps, ['settings ok', 'resolve ok', 'connect ok', 'signIn ok', 'use ok']);
  const refused = await through('2525');
  assert.deepEqual(refused.steps.slice(0, 4), ['settings ok', 'resolve ok', 'connect ok', 'signIn failed']);
  assert.equal(failed(refused), 'The proxy does not connect to the mail server.');
  assert.equal(JSON.stringify(refused).includes('hidden-word'), false);
  const credentials = Buffer.from('us:hidden-word').toString('base64');
  assert.deepEqual(asked, [`mail.test:587 Basic ${credentials}`, `mail.test:2525 Basic ${credentials}`]);
});

test('what answers there is no Redis; callers at the same time share the test', async (t) => {
  const silent = createServer((socket) => {
    // anyone who tries the port hangs up first
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const daemon = await testDaemon(t, { REDIS_URL: `redis://127.0.0.1:${port}` });
  const [one, two] = await Promise.all([tried(daemon, 'redis'), tried(daemon, 'redis')]);
  assert.equal(failed(one), 'The server at this address is not Redis.');
  // two tests would have taken different times
  assert.deepEqual(one.told, two.told);
});

test('a real LiveKit with its Redis: key, rooms, orders; then without Redis, with a password, and a wrong secret', async (t) => {
  const livekit = startLivekit(t);
  if (typeof livekit === 'string') {
    t.skip(livekit);
    return;
  }
  const daemon = await testDaemon(t, livekit.env);
  await livekit.rooms.createRoom({ name: 'one' });
  const good = await tried(daemon, 'livekit');
  assert.deepEqual(good.steps, ['settings ok', 'resolve ok', 'connect ok', 'signIn ok', 'use ok']);
  assert.match(good.told.steps[3]?.message ?? '', /1 room is open/);
  const redisUp = await tried(daemon, 'redis');
  assert.deepEqual(redisUp.steps, ['settings ok', 'resolve ok', 'connect ok', 'signIn ok']);

  const wrong = await testDaemon(t, { ...livekit.env, LIVEKIT_API_SECRET: 'b'.repeat(43) });
  const refused = await tried(wrong, 'livekit');
  assert.deepEqual(refused.steps.slice(2), ['connect ok', 'signIn failed', 'use skipped']);
  assert.equal(failed(refused), 'LiveKit: the API key or secret is not accepted.');

  await redis(livekit.redisUrl, 'CONFIG SET requirepass word-of-redis');
  const asked = await tried(daemon, 'redis');
  assert.equal(failed(asked), 'It requires a password.');
  const url = new URL(livekit.redisUrl);
  const withPassword = async (word: string) => {
    const other = await testDaemon(t, { STREAMHUB_CLUSTER_REDIS_URL: `redis://:${word}@${url.host}` });
    return tried(other, 'redis');
  };
  assert.deepEqual((await withPassword('word-of-redis')).steps.at(-1), 'signIn ok');
  const no = await withPassword('another-word');
  assert.equal(failed(no), 'It rejects the user or the password.');
  assert.equal(JSON.stringify(no).includes('another-word'), false);

  livekit.pauseRedis();
  const without = await tried(daemon, 'livekit');
  assert.equal(without.told.ok, false);
  assert.match(JSON.stringify(without.told), /Redis/);
});
