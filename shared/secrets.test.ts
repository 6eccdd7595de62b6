import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hideSecrets, isSecretName, mayHoldSecrets, publicAddress, shownAddress } from './secrets.ts';

describe('isSecretName', () => {
  it('reads every spelling', () => {
    for (const name of [
      'password',
      'newPassword',
      'smtpPass',
      'tokens',
      'X-Cluster-Token',
      'authtoken',
      'password_hash',
      'secret2',
      'S3Secret',
      'APIKEY',
      'api-key',
      'requirepass',
      'set-cookie',
      'streamKey',
      'clientSecretValue',
      'pass\u200bword',
      'ｐassword',
      'x-amz-security-token',
      'hmac.key',
    ])
      assert.ok(isSecretName(name), name);
  });
  it('leaves facts about secrets and names that only look like one', () => {
    for (const name of [
      'bypass',
      'compass',
      'maxTokens',
      'tokenSet',
      'access_key_env',
      'hasKey',
      'token_ids',
      'key',
      'keyboard',
      'tokenUrl',
      'monkey',
      '',
    ])
      assert.ok(!isSecretName(name), name);
    assert.ok(isSecretName('key', true) && isSecretName('code', true) && !isSecretName('postal', true));
  });
});

describe('hideSecrets', () => {
  const hidden = [
    'https://k3y-hunter2@sentry.example/1',
    'redis://u:pa/hunter2@h',
    'mongodb://u:hunter2@h1,v:hunter2@h2/db',
    'see http://a/?x=1&sig=hunter2',
    'see http://a/cb?next=%2Fx%3Ftoken%3Dhunter2',
    '{"password" : "hun\\"hunter2"}',
    String.raw`{\"secret\":\"hunter2\"}`,
    "{'apiKey': ['hunter2', 'hunter2']}",
    'curl --password hunter2 http://h',
    '<SecretAccessKey>hunter2</SecretAccessKey>',
    'Authorization: Custom hunter2 hunter2',
    'Cookie: a=hunter2; b=hunter2',
    'password=hun,hunter2',
    'Password=hunter2;User=x',
    '-----BEGIN EC PRIVATE KEY-----\nhunter2\n',
    'https://hooks.slack.com/services/T0/B0/hunter2',
    'https://api.telegram.org/bot1:hunter2/send',
    'xoxb-0123456789-hunter2',
    'next=https%3A%2F%2Fu%3Ahunter2%40h%2Fx and https%253A%252F%252Fu%253Ahunter2%2540h',
    'curl -u me:hunter2 http://h',
    'run ["--token", "hunter2"]',
    '{"name":"DB_PASSWORD","value":"hunter2"}',
    'password[]=hunter2',
    "password='it''s hunter2'",
    'secret := hunter2',
    'private_key: |\n  hunter2\n  hunter2\nnext: line',
    'LIVEKIT_KEYS="key: hunter2"',
    'rtmps://live.example.com/app/hunter2',
    'creds=hunter2',
  ];
  for (const text of hidden)
    it(`hides what is secret in ${text}`, () => {
      assert.ok(mayHoldSecrets(text));
      assert.doesNotMatch(hideSecrets(text, '****'), /hunter2/);
    });
  it('leaves everything else', () => {
    for (const text of [
      'https://a/b@2x.png and mail to ann@example.com',
      'token:12 of http://[::1]:80/@x',
      'password: null, tokens: "", secret=false',
      'key: streamhub/live/a.mp4',
      'the password is wrong',
      'fields ["password","email"] and {"name":"password","label":"Password"}',
      'docker run -u 1000:1000 x',
      'rtmp://host:1935/live',
      'a%40b.c and https%3A%2F%2Fh%2Fx%40y',
    ])
      assert.equal(hideSecrets(text, '****'), text);
  });

  it('shows addresses without user info and without what signs them', () => {
    for (const [address, shown] of [
      ['https://u:p@h/x', 'https://h/x'],
      ['https://u:p@h', 'https://h'],
      ['u:p@h:99', 'h:99'],
      ['https://u:p@h:bad/x', 'https://h:bad/x'],
      ['rtsp://u:p/q@cam/1?password=x&channel=2', 'rtsp://cam/1?password=****&channel=2'],
      ['https://h', 'https://h'],
      ['', ''],
    ] as const)
      assert.equal(shownAddress(address, '****'), shown);
  });

  it('leaves nothing but the place in an address for anyone', () => {
    for (const [address, rest] of [
      ['wss://u:p@h:1/x/?a=1#b', 'wss://h:1/x/'],
      ['ws:\\\\a@b@h', 'ws:\\\\h'],
      ['https://h/@x', 'https://h/@x'],
      ['203.0.113.1', '203.0.113.1'],
    ] as const)
      assert.equal(publicAddress(address), rest);
  });

  it('takes time in proportion to the length, for every kind of text', () => {
    const units = [
      'a-a-a-',
      'password',
      'password=',
      'password="',
      'password=[',
      'a://',
      'a:a@',
      '://@',
      'a:b@http://',
      'token ',
      'eyJ',
      '-----BEGIN PRIVATE KEY-----',
      '\\',
      '"\\',
      ' ',
      'bearer ',
      '--a ',
      '?a=',
      'x@',
      'sk_',
      '<a>',
      'A',
      'aA',
      '[{',
      'basic a',
      '-----BEGIN ',
      'http://a',
      '%3d',
      '_',
      '.',
      '#token: ',
      '-u a',
      '-u a:',
      '%3A%2F%2F',
      '%3A%2F%2Fa%40',
      'rtmp://a/',
      '"--a","',
      'password: |\n ',
      "password=''",
    ];
    const cost = (text: string): number => {
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3; round += 1) {
        const { user, system } = process.cpuUsage();
        mayHoldSecrets(text);
        hideSecrets(text, '****', true);
        const now = process.cpuUsage();
        least = Math.min(least, now.user + now.system - user - system);
      }
      return least;
    };
    for (const unit of units) {
      const sized = (length: number) => unit.repeat(Math.ceil(length / unit.length));
      cost(sized(50_000));
      // a quadratic rule would cost 100 and 10,000 times as much
      const [small, medium, large] = [cost(sized(5000)), cost(sized(50_000)), cost(sized(500_000))];
      const floor = 2000;
      assert.ok(medium < 50 * Math.max(small, floor), `${JSON.stringify(unit)}: ${[small, medium, large]} µs`);
      assert.ok(large < 50 * Math.max(medium, floor), `${JSON.stringify(unit)}: ${[small, medium, large]} µs`);
    }
  });
});
