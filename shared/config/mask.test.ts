import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkConfig } from './check.ts';
import { maskedLines } from './mask.ts';
import { parseConfig } from './parse.ts';
import { renderDefaultConfig } from './scaffold.ts';

const masked = (text: string): string => maskedLines(parseConfig(text)).join('\n');

describe('maskedLines', () => {
  const cases: [name: string, text: string, shown: string][] = [
    ['plain', 'callbacks:\n  url: u\n  secret: hunter2 # mine\n', 'callbacks:\n  url: u\n  secret: "****" # mine\n'],
    ['quoted and in flow', 'callbacks: {secret: "a, b", url: u}\n', 'callbacks: {secret: "****", url: u}\n'],
    [
      'over several lines',
      'callbacks:\n  secret: |\n    one\n    two\n  url: u\n',
      'callbacks:\n  secret: "****"\n\n\n  url: u\n',
    ],
    ['through an alias', 'x-a: &a hunter2\ncallbacks: {secret: *a}\n', 'x-a: &a "****"\ncallbacks: {secret: *a}\n'],
    [
      'through several aliases',
      'x-a: &a hunter2\ncallbacks: {secret: *a}\nmqtt: {password: *a}\n',
      'x-a: &a "****"\ncallbacks: {secret: *a}\nmqtt: {password: *a}\n',
    ],
    ['ignored keys', 's3: {key: AKIA, secret: x, bucket: b}\n', 's3: {key: "****", secret: "****", bucket: b}\n'],
    [
      'blocks of the operator',
      'tool: {api_token: t, list: [{password: p}]}\n',
      'tool: {api_token: "****", list: [{password: "****"}]}\n',
    ],
    [
      'secrets that are mappings',
      'tool: {credentials: {user: u, pw: p}}\n',
      'tool: {credentials: {user: "****", pw: "****"}}\n',
    ],
    ['passwords in addresses', 'mqtt:\n  url: mqtt://me:pw@broker:1883\n', 'mqtt:\n  url: mqtt://****@broker:1883\n'],
    [
      'nothing else',
      's3: {access_key_env: APP_LIVE_S3_KEY}\nfeatures: {chat: true}\ncallbacks: {secret: ""}\n',
      's3: {access_key_env: APP_LIVE_S3_KEY}\nfeatures: {chat: true}\ncallbacks: {secret: ""}\n',
    ],
    [
      'signed queries, several addresses, an address without a scheme',
      'x-a: https://h/x?token=abc&n=1#access_token=d\nx-b: "mqtt://a:b@h1,mqtt://c:d@h2"\nx-c: me:pw@broker:1883\n',
      'x-a: https://h/x?token=****&n=1#access_token=****\nx-b: "mqtt://****@h1,mqtt://****@h2"\nx-c: ****@broker:1883\n',
    ],
    [
      'keys of every spelling',
      'x-a: {apiKey: a1, Client-Secret: b2, authtoken: c3, password_hash: d4, secret2: e5, tokenUrl: u}\n',
      'x-a: {apiKey: "****", Client-Secret: "****", authtoken: "****", password_hash: "****", secret2: "****", tokenUrl: u}\n',
    ],
    ['complex keys', '? secret\n: hunter2\n? token\n: {a: hunter2}\n', '? secret\n: "****"\n? token\n: {a: "****"}\n'],
    ['lists', 'x-a:\n  tokens: [hunter2, a: hunter2]\n', 'x-a:\n  tokens: ["****", a: "****"]\n'],
    [
      'names with values beside them',
      'x-a: [{name: DB_PASSWORD, value: hunter2}, DB_PASSWORD=hunter2, "X-Api-Key: hunter2"]\n',
      'x-a: [{name: DB_PASSWORD, value: "****"}, DB_PASSWORD=****, "X-Api-Key: ****"]\n',
    ],
    [
      'what follows a name in a list',
      'x-a: {args: [--token, hunter2, --room, a], headers: [[Authorization, hunter2]]}\n',
      'x-a: {args: [--token, "****", --room, a], headers: [[Authorization, "****"]]}\n',
    ],
    ['keys of mappings of secrets', 'x-a: {tokens: {hunter2: admin}}\n', 'x-a: {tokens: {"****": "****"}}\n'],
    [
      'a mapping that is used where a secret is due',
      'x-a: &a {key: AKIA, n: 1}\ns3: *a\n',
      'x-a: &a {key: "****", n: 1}\ns3: *a\n',
    ],
    [
      'what is written with escapes or folded',
      'x-a: "mqtt:\\/\\/me:pw@broker"\nx-b: >-\n  mqtt://me:p\n  w@broker or --password\n  hunter2\n',
      'x-a: "****"\nx-b: "****"\n\n\n\n',
    ],
    [
      'comments',
      'name: a # password: hunter2\na: 1\n# secret: |\n#   hunter2\n\nd: 1\n# the token was hunter2\nc: 1\n# see https://u:hunter2@h/\nb: |\n  # no comment\n# a token\n',
      'name: a # password:****\na: 1\n# secret:****\n#****\n\nd: 1\n# the token was****\nc: 1\n# see https://****@h/\nb: |\n  # no comment\n# a token\n',
    ],
    ['tokens by their looks', 'x-a: [sk_0123456789abcdef, x]\n', 'x-a: [sk_****, x]\n'],
    ['nothing of a text that is no YAML', 'callbacks:\n  secret: hunter2\n\n  url: [\n', '****\n****\n\n****\n'],
  ];
  for (const [name, text, shown] of cases) it(name, () => assert.equal(masked(text), shown));

  it('takes time in proportion to the length of a comment and of a value', () => {
    const cost = (text: string) => {
      const { user } = process.cpuUsage();
      maskedLines(parseConfig(text));
      return process.cpuUsage().user - user;
    };
    for (const [head, unit] of [
      ['# ', 'ü'],
      ['# ', 'a-'],
      ['# ', 'is '],
      ['x-a: ', 'a-a-'],
      ['x-a: ', 'a@'],
      ['', '# token: a\n'],
    ] as const) {
      const sized = (length: number) => `name: a\n${head}${unit.repeat(length / unit.length)}\n`;
      cost(sized(9000));
      const [small, large] = [cost(sized(9000)), cost(sized(90_000))];
      assert.ok(large < 50 * Math.max(small, 2000), `${unit}: ${[small, large]} µs`);
    }
  });

  it('keeps the number of lines', () => {
    const text = 'a: 1\r\ncallbacks:\r\n  secret: "one\r\n\r\n    two"\r\n  url: u\r\n';
    assert.equal(masked(text).split('\n').length, text.split('\n').length);
  });
});

describe('a check', () => {
  const text = 'name: live\nroom_prefix: live\ncallbacks: {secret: hunter2, url: 1}\n';
  it('carries the secret nowhere but in the config', () => {
    const result = checkConfig({ app: 'live', text, current: text.replace('hunter2', 'hunter3') });
    assert.doesNotMatch(JSON.stringify(result), /hunter/);
    assert.match(result.diff, /^- callbacks: \{secret: "\*{4}", url: 1\}$/m);
    assert.match(result.shown ?? '', /secret: "\*{4}"/);
  });
  it('quotes nothing of a text that cannot be read', () => {
    for (const broken of [
      `${text}bad: [\n`,
      'callbacks:\n  secret: "hunter2\n',
      'secret: hunter2: x\n',
      '? secret: {hunter2\n',
    ]) {
      assert.doesNotMatch(JSON.stringify(checkConfig({ app: 'live', text: broken }).diagnostics), /hunter/);
    }
  });
  it('shows a text as it is where there is nothing to hide, also that of a new app', () => {
    for (const plain of ['name: live\n', renderDefaultConfig('live')])
      assert.equal(checkConfig({ app: 'live', text: plain }).shown, plain);
  });
  it('shows nothing of a text that cannot be read, alone or in a diff', () => {
    for (const broken of [
      'secret: hunter2\nx: [\n',
      '? {secret: hunter2}\n',
      '- secret: hunter2\n',
      'hunter2\n',
      'a: 1\n---\nsecret: hunter2\n',
      'secret: !x hunter2\n',
      'x: \ud800\nsecret: hunter2\n',
      `${'['.repeat(500)}hunter2`,
    ]) {
      const result = checkConfig({ app: 'live', text: 'name: live\n', current: broken });
      assert.doesNotMatch(JSON.stringify(result), /hunter/);
      assert.equal(checkConfig({ app: 'live', text: broken }).shown, null);
      assert.doesNotMatch(JSON.stringify(checkConfig({ app: 'live', text: broken, current: 'a: 1\n' })), /hunter/);
    }
  });
});
