import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkConfig } from './check.ts';
import { maskedLines } from './mask.ts';
import { parseConfig } from './parse.ts';

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
      's3: {access_key_env: APP_LIVE_S3_KEY}\nfeatures: {rtmp_password: true}\ncallbacks: {secret: ""}\n',
      's3: {access_key_env: APP_LIVE_S3_KEY}\nfeatures: {rtmp_password: true}\ncallbacks: {secret: ""}\n',
    ],
    [
      'a text that is no YAML, by its looks',
      'callbacks:\n  secret: hunter2\n  url: [\n  "password" : x\n  token: |\n    abc\n  d: 1\n',
      'callbacks:\n  secret: "****"\n  url: [\n  "password" : "****"\n  token: "****"\n    "****"\n  d: 1\n',
    ],
  ];
  for (const [name, text, shown] of cases) it(name, () => assert.equal(masked(text), shown));

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
    assert.match(result.masked ?? '', /secret: "\*{4}"/);
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
  it('has no masked text where there is nothing to hide', () => {
    assert.equal(checkConfig({ app: 'live', text: 'name: live\n' }).masked, null);
  });
});
