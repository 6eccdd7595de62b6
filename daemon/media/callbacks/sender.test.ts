import assert from 'node:assert/strict';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { backoff } from './backoff.ts';
import { type CallbackRequest, CallbackSender, retryAfter } from './sender.ts';

const NEVER = new AbortController().signal;
const request = (url: string): CallbackRequest => ({
  url,
  body: '{"id":"1"}',
  secret: '',
  event: 'test',
  delivery: '1',
  timestamp: '2026-01-01T00:00:00.000Z',
});

function sender(t: TestContext, denyPrivate = false, limitMs?: number): CallbackSender {
  const made = new CallbackSender({ denyPrivate }, 'StreamHub/test', limitMs);
  t.after(() => made.close());
  return made;
}

test('which answers are tried again', async (t) => {
  const receiver = await callbackReceiver(t);
  const post = sender(t);
  const again = [408, 429, 500, 502, 503, 504, 599];
  const lost = [301, 302, 307, 400, 401, 403, 404, 410, 422];
  const good = [200, 201, 202, 204];
  for (const status of [...again, ...lost, ...good]) {
    receiver.behave(status);
    const result = await post.send(request(receiver.url), NEVER);
    assert.equal(result.status, status);
    assert.equal(result.isDelivered, good.includes(status), `${status}`);
    assert.equal(result.isRetryable, again.includes(status), `${status}`);
  }
  assert.equal(receiver.received[0]?.headers['user-agent'], 'StreamHub/test');
});

test('Retry-After is understood in seconds', async (t) => {
  const receiver = await callbackReceiver(t);
  receiver.behave((_r, response) => response.writeHead(429, { 'retry-after': '120' }).end());
  assert.equal((await sender(t).send(request(receiver.url), NEVER)).retryAfterMs, 120_000);
});

test('a receiver that never answers, or answers without end, holds nothing up', async (t) => {
  const receiver = await callbackReceiver(t);
  const post = sender(t, false, 100);
  receiver.behave(() => {});
  const silent = await post.send(request(receiver.url), NEVER);
  assert.deepEqual([silent.isRetryable, silent.error], [true, 'No response within 0.1 s.']);
  receiver.behave((_r, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.on('close', () => clearInterval(timer));
  });
  assert.equal((await post.send(request(receiver.url), NEVER)).isDelivered, true);
});

test('a closed port and a broken answer are tried again', async (t) => {
  const post = sender(t);
  const closed = await post.send(request('http://127.0.0.1:9/x'), NEVER);
  assert.deepEqual(
    [closed.isRetryable, closed.error],
    [true, 'The receiver cannot be reached: the connection was refused.'],
  );
  const rude = net.createServer((socket) => socket.end('no http\r\n\r\n'));
  await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
  t.after(() => rude.close());
  const broken = await post.send(request(`http://127.0.0.1:${(rude.address() as net.AddressInfo).port}`), NEVER);
  assert.deepEqual([broken.isDelivered, broken.isRetryable], [false, true]);
});

test('addresses that the installation forbids are never contacted', async (t) => {
  const receiver = await callbackReceiver(t);
  const cases: [string, boolean][] = [
    ['http://169.254.169.254/latest/meta-data', false],
    ['http://[fe80::1]/', false],
    ['http://metadata.google.internal/', false],
    ['ftp://127.0.0.1/', false],
    [receiver.url, true],
    [receiver.url.replace('127.0.0.1', 'localhost'), true],
    [receiver.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'), true],
  ];
  for (const [url, denyPrivate] of cases) {
    const result = await sender(t, denyPrivate).send(request(url), NEVER);
    assert.equal(result.isDelivered, false, url);
    assert.equal(result.status, null, url);
  }
  assert.equal(receiver.received.length, 0);
  assert.equal((await sender(t).send(request(receiver.url), NEVER)).isDelivered, true);
});

test('waits double up to an hour', () => {
  const waits = Array.from({ length: 16 }, (_, n) => backoff(n + 1, () => 0.5) / 1000);
  assert.deepEqual(waits.slice(0, 5), [2, 4, 8, 16, 32]);
  assert.equal(waits.at(-1), 3600);
  assert.ok(waits.slice(0, 15).reduce((a, b) => a + b, 0) > 3 * 3600, 'the tries reach over hours');
  assert.deepEqual([backoff(1, () => 0), backoff(1, () => 1)], [1600, 2400]);
});

test('Retry-After is seconds or a date, compared with the receiver’s own clock', () => {
  const now = Date.parse('2026-11-29T10:00:00Z');
  const at = (value: string, date?: string) => retryAfter({ 'retry-after': value, date }, now);
  assert.equal(at('120'), 120_000);
  assert.equal(at('Sun, 29 Nov 2026 10:02:00 GMT'), 120_000);
  assert.equal(at('Sun, 29 Nov 2026 12:02:00 GMT', 'Sun, 29 Nov 2026 12:00:00 GMT'), 120_000);
  for (const wrong of ['', '0', '-5', '1.5', 'soon', 'NaN', 'Infinity', 'Sun, 29 Nov 2026 09:00:00 GMT']) {
    assert.equal(at(wrong), null, wrong);
  }
});
