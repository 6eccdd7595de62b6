import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scrubber } from './scrub.ts';
import { SecretRegistry } from './secret-registry.ts';

const scrubber = (...secrets: string[]): Scrubber => {
  const registry = new SecretRegistry();
  for (const secret of secrets) registry.add(secret);
  return new Scrubber(registry);
};
const token = `sk_${'Ab1-_'.repeat(8)}xyz`;
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ';

describe('Scrubber', () => {
  it('leaves a line without secrets as it is, byte for byte', () => {
    for (const line of [
      '{"level":"info","msg":"request","route":"/api/v1/tokens/:id","principal":"token:12","status":200}\n',
      '{"level":"info","msg":"3 tokens in use","tokenSet":true,"key":"streamhub/live/a.mp4","bypass":"yes"}\n',
      '{"level":"warn","msg":"Schlüssel nicht gefunden – «ok»","url":"https://example.com/a?b=c"}\n',
    ]) {
      assert.equal(scrubber('registered-secret').line(line), line);
    }
  });

  for (const [what, text, secret] of [
    ['an API token', `refused ${token} twice`, token],
    ['a session token', `bad credential ${jwt}`, jwt],
    ['a Bearer header', 'sent Authorization: Bearer abc.def-123456', 'abc.def-123456'],
    ['a Basic header', 'basic YWRtaW46aHVudGVyMg==', 'YWRtaW46aHVudGVyMg=='],
    [
      'a signed URL',
      'https://s3/x?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=0123456789abcdef&a=1',
      '0123456789abcdef',
    ],
    ['an access key', 'key AKIAIOSFODNN7EXAMPLE refused', 'AKIAIOSFODNN7EXAMPLE'],
    ['a URL with a password', 'redis://user:p@ss-w0rd@10.0.0.1:6379/0 is down', 'p@ss-w0rd'],
    ['a URL with a user', 'https://tok3nuser@git.example.com/x', 'tok3nuser'],
    ['a query parameter', 'GET /metrics?token=very-s3cret&x=1', 'very-s3cret'],
    ['a cluster token', 'join clt_0123456789abcdefghijABCDEFGHIJ12 failed', 'clt_0123456789abcdefghijABCDEFGHIJ12'],
    ['JSON in a text', 'body {"password":"hunter2","user":"a"}', 'hunter2'],
    ['key=value in a text', 'LIVEKIT_API_SECRET=s3cr3t-value next', 's3cr3t-value'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIB\n-----END RSA PRIVATE KEY-----', 'MIIEowIB'],
  ] as const) {
    it(`hides ${what}, in a message, deep inside a field and in an array`, () => {
      const line = JSON.stringify({ level: 'info', msg: text, deep: { er: [{ note: text }] }, list: [text, 1, null] });
      const clean = scrubber().line(`${line}\n`);
      assert.ok(!clean.includes(secret), clean);
      const parsed = JSON.parse(clean);
      assert.equal(parsed.level, 'info');
      assert.equal(parsed.list[1], 1);
      assert.match(parsed.deep.er[0].note, /redacted/);
      assert.ok(clean.endsWith('\n'));
    });
  }

  it('keeps what tells where it happened', () => {
    const text = scrubber().text('redis://user:pw@10.0.0.1:6379/0 and sk_abcdefghijkl');
    assert.equal(text, 'redis://[redacted]@10.0.0.1:6379/0 and sk_[redacted]');
  });

  it('hides values by the name of their key, at any depth and of any type', () => {
    const clean = JSON.parse(
      scrubber().line(
        JSON.stringify({
          password: 'a',
          headers: { Authorization: ['Bearer x'], 'X-Cluster-Token': 'y', cookie: 'z' },
          smtpPass: 12345,
          s3: { secretKey: { nested: 'v' }, accessKey: 'AK' },
          tokenSet: true,
          secretSet: false,
          token: null,
          apiKey: '',
        }),
      ),
    );
    assert.deepEqual(clean, {
      password: '[redacted]',
      headers: { Authorization: '[redacted]', 'X-Cluster-Token': '[redacted]', cookie: '[redacted]' },
      smtpPass: '[redacted]',
      s3: { secretKey: '[redacted]', accessKey: '[redacted]' },
      tokenSet: true,
      secretSet: false,
      token: null,
      apiKey: '',
    });
  });

  it('hides registered values in every form they take', () => {
    const secret = 'pä"ss\\wo/rd & 1';
    const scrub = scrubber(secret, '8675309');
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify({ inner: secret })]) {
      const clean = scrub.line(JSON.stringify({ msg: `x ${text} y` }));
      assert.ok(!JSON.parse(clean).msg.includes('wo/rd'), clean);
      assert.ok(!clean.includes(encodeURIComponent(secret)));
    }
    assert.equal(JSON.parse(scrub.line(JSON.stringify({ msg: '', phone: 8675309 }))).phone, '[redacted]');
    assert.equal(JSON.parse(scrub.line(JSON.stringify({ 8675309: 1 })))['[redacted]'], 1);
  });

  it('answers a line even for what is no JSON', () => {
    const clean = scrubber().line(`half a line with ${token}`);
    assert.ok(!clean.includes(token));
    assert.match(JSON.parse(clean).msg, /half a line/);
  });
});

describe('SecretRegistry', () => {
  it('finds the longer of two secrets that begin alike', () => {
    const registry = new SecretRegistry();
    registry.add('secret-one');
    registry.add('secret-one-and-more');
    assert.equal(registry.redact('<secret-one-and-more> <secret-one>'), '<[redacted]> <[redacted]>');
  });

  it('forgets a value once everyone who registered it has', () => {
    const registry = new SecretRegistry();
    const first = registry.add('twice-registered');
    const second = registry.add('twice-registered');
    first();
    first();
    assert.ok(registry.found('twice-registered'));
    second();
    assert.equal(registry.found('twice-registered'), false);
  });

  it('takes no notice of values too short to look for', () => {
    const registry = new SecretRegistry();
    for (const value of ['', 'abc', '   ', undefined, null]) registry.add(value);
    assert.equal(registry.redact('abc is fine'), 'abc is fine');
  });

  it('agrees with a plain search, whatever the values', () => {
    const letters = 'abé{"\\';
    let seed = 7;
    const next = (n: number): number => {
      seed = (seed * 48271) % 2147483647;
      return seed % n;
    };
    const word = (length: number): string => Array.from({ length }, () => letters[next(letters.length)]).join('');
    for (let round = 0; round < 300; round += 1) {
      const registry = new SecretRegistry();
      const values = [word(6), word(7), word(9)];
      for (const value of values) registry.add(value);
      const text = word(60) + (round % 2 ? values[round % 3] : '') + word(20);
      if (values.some((value) => text.includes(value)))
        assert.ok(registry.found(text), JSON.stringify({ values, text }));
      const clean = registry.redact(text);
      assert.ok(!registry.found(clean.replaceAll('[redacted]', '\n')), clean);
    }
  });
});
