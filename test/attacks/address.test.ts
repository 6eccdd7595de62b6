import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';

/** What a proxy on this machine passes on: no matter what the client wrote, then the address that it really came from. */
const through = (...hops: string[]) => ({ 'x-forwarded-for': hops.join(', ') });
const REAL = '198.51.100.66';

async function limitedToken(daemon: TestDaemon, allowedIps: string[]) {
  const { body } = await daemon.api.post('/tokens', { name: 'limited', scope: 'global', allowedIps });
  return daemon.api.as(body.token);
}

describe('a forged X-Forwarded-For', () => {
  test('does not make a token usable from elsewhere', async (t) => {
    const daemon = await testDaemon(t);
    const api = await limitedToken(daemon, ['203.0.113.7']);
    assert.equal((await api.get('/apps', through('203.0.113.7'))).status, 200, 'the real one is let in');
    for (const forged of [
      through('203.0.113.7', REAL),
      through('203.0.113.7', '203.0.113.7', REAL),
      through('127.0.0.1', '203.0.113.7', REAL),
      through(REAL),
      { 'x-forwarded-for': `203.0.113.7,${REAL}` },
      { 'x-real-ip': '203.0.113.7' },
      { forwarded: 'for=203.0.113.7' },
      { 'x-forwarded-for': `203.0.113.7, ${REAL}`, 'x-client-ip': '203.0.113.7', 'cf-connecting-ip': '203.0.113.7' },
    ] as Record<string, string>[])
      assert.equal((await api.get('/apps', forged)).status, 401, JSON.stringify(forged));
  });

  test('does not pass a block rule or a ban by claiming to be loopback', async (t) => {
    const daemon = await testDaemon(t, { STREAMHUB_IP_ACCESS_MODE: 'enforce' });
    await daemon.api.post('/security/rules', { cidr: REAL, action: 'block' });
    for (const first of ['127.0.0.1', '10.0.0.1', '::1', '203.0.113.9'])
      assert.equal((await daemon.api.get('/health', through(first, REAL))).status, 403, first);
    await daemon.api.post('/security/bans', { ip: '198.51.100.67' });
    assert.equal((await daemon.api.get('/health', through('127.0.0.1', '198.51.100.67'))).status, 429);
  });

  test('does not give a guesser fresh attempts', async (t) => {
    const daemon = await testDaemon(t, { AUTH_RATE_LIMIT_MAX: '3' });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const from = through(`203.0.113.${n}`, REAL);
      statuses.push((await daemon.api.as(null).post('/auth/login', { user: 'a', password: 'b' }, from)).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
  });

  test('is not believed at all from an address that is no trusted proxy', async (t) => {
    const daemon = await testDaemon(t, { STREAMHUB_TRUSTED_PROXIES: '10.9.9.9', STREAMHUB_IP_ACCESS_MODE: 'enforce' });
    assert.equal((await daemon.api.get('/security', through('203.0.113.7'))).body.data.yourAddress, '127.0.0.1');
    const api = await limitedToken(daemon, ['203.0.113.7']);
    assert.equal((await api.get('/apps', through('203.0.113.7'))).status, 401);
  });

  test('that is no address counts as not written', async (t) => {
    const daemon = await testDaemon(t);
    for (const junk of ['unknown', '', ',', '999.1.1.1', '0177.0.0.1', '_hidden', 'localhost', '<script>']) {
      const answer = await daemon.api.get('/security', { 'x-forwarded-for': junk });
      assert.equal(answer.body.data.yourAddress, '127.0.0.1', JSON.stringify(junk));
    }
    const withPort = await daemon.api.get('/security', { 'x-forwarded-for': '203.0.113.7:4711' });
    assert.equal(withPort.body.data.yourAddress, '203.0.113.7');
    const mapped = await daemon.api.get('/security', { 'x-forwarded-for': '::ffff:203.0.113.7' });
    assert.equal(mapped.body.data.yourAddress, '203.0.113.7');
  });
});

describe('a token’s list of addresses', () => {
  test('takes only addresses and ranges, IPv6 included', async (t) => {
    const daemon = await testDaemon(t);
    for (const entry of [' ', 'x', '300.1.1.1', '10.0.0.0/33', '10.0.0.0/', 'example.com', '::1/129', '10.1'])
      assert.equal(
        (await daemon.api.post('/tokens', { name: 't', scope: 'global', allowedIps: [entry] })).status,
        400,
        entry,
      );
    const api = await limitedToken(daemon, ['2001:db8::/32', '10.1.0.0/16']);
    assert.equal((await api.get('/apps', through('2001:db8:ffff::1'))).status, 200);
    assert.equal((await api.get('/apps', through('::ffff:10.1.2.3'))).status, 200);
    assert.equal((await api.get('/apps', through('2001:db9::1'))).status, 401);
    assert.equal((await api.get('/apps', through('10.2.0.1'))).status, 401);
  });

  for (const stored of ['[""]', '[" "]', '{', 'null', '"x"', '{"a":1}', '[1]', '']) {
    test(`that was damaged on disk (${stored}) allows nothing`, async (t) => {
      const first = await testDaemon(t);
      const api = await limitedToken(first, ['127.0.0.1']);
      assert.equal((await api.get('/apps')).status, 200);
      first.services.db.prepare("UPDATE api_tokens SET allowed_ips_json = ? WHERE name = 'limited'").run(stored);
      await first.stop();
      const second = await testDaemon(t, {}, { dataDir: first.dataDir });
      assert.equal((await second.api.as(api.token).get('/apps')).status, 401);
      assert.equal((await second.api.get('/tokens')).status, 200, 'and the list can still be read');
    });
  }
});
