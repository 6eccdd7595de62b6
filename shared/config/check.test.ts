import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CheckResult, checkConfig } from './check.ts';
import { wordsOf } from './diagnostic.ts';
import { CONFIG_LIMITS } from './limits.ts';
import { renderDefaultConfig } from './scaffold.ts';

const check = (text: string, current?: string): CheckResult =>
  checkConfig({ app: 'live', text, ...(current === undefined ? {} : { current }) });
/** A minimal text without remarks of its own, with something added. */
const HEAD = 'name: live\nroom_prefix: live\n';
const TRANSCODING = 'transcoding: {enabled: false}\n';
const found = (result: CheckResult): string[] =>
  result.diagnostics.map(({ severity, code, path }) => `${severity} ${code} ${path}`.trim());
const errors = (text: string): string[] =>
  check(text)
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ code, path }) => `${code} ${path}`.trim());

describe('texts that are no config', () => {
  const cases: [name: string, text: string, code: string][] = [
    ['syntax', 'name: [live', 'bad-indent'],
    ['an open quote', 'name: "live\nroom_prefix: x\n', 'missing-char'],
    ['a duplicate key', `${HEAD}name: live\n`, 'duplicate-key'],
    ['a duplicate key deep inside', `${HEAD}rtmp:\n  enabled: true\n  "enabled": false\n`, 'duplicate-key'],
    ['several documents', `${HEAD}---\na: 1\n`, 'several-documents'],
    ['a list', '- name: live\n', 'not-a-mapping'],
    ['a scalar', 'live', 'not-a-mapping'],
    ['nothing', '', 'not-a-mapping'],
    ['only a comment', '# nothing\n', 'not-a-mapping'],
    ['tabs', 'rtmp:\n\tenabled: true\n', 'tab-as-indent'],
    ['a tag of its own', 'name: !secret live\n', 'tag-resolve-failed'],
    ['a binary', 'name: !!binary aGk=\n', 'tag-resolve-failed'],
    ['YAML 1.1', `%YAML 1.1\n---\n${HEAD}`, 'old-yaml'],
    ['an unknown alias', `${HEAD}rtmp: *none\n`, 'unknown-alias'],
    ['an alias inside its own anchor', `${HEAD}x-a: &a [*a]\n`, 'unknown-alias'],
    ['a mapping as key', `${HEAD}{a: 1}: b\n`, 'bad-key'],
    ['half a character', `${HEAD}x-a: "\ud800"\n`, 'not-unicode'],
    ['too many characters', `${HEAD}# ${'x'.repeat(CONFIG_LIMITS.chars)}`, 'too-long'],
  ];
  for (const [name, text, code] of cases) {
    it(name, () => {
      const result = check(text);
      assert.equal(result.valid, false);
      assert.equal(result.config, null);
      assert.equal(result.diagnostics[0]?.code, code);
    });
  }
  it('accepts the longest text', () => {
    const text = HEAD + TRANSCODING;
    assert.ok(check(text + '#'.repeat(CONFIG_LIMITS.chars - text.length)).valid);
    assert.equal(check(text + '#'.repeat(CONFIG_LIMITS.chars - text.length + 1)).valid, false);
  });
});

describe('hostile texts are refused before they cost anything', () => {
  const nested = (open: string, close: string) => `${HEAD}x-a: ${open.repeat(30_000)}${close.repeat(30_000)}`;
  const bomb = [
    'x-a: &a [1,1,1,1,1,1,1,1,1,1]',
    ...'bcdefghi'.split('').map((name, i) => `x-${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
  ].join('\n');
  const cases: [name: string, text: string, code: string][] = [
    ['deep lists', nested('[', ']'), 'too-deep'],
    ['deep mappings', nested('{a: ', '}').slice(0, 90_000), 'too-deep'],
    ['deep dashes', `x-a:\n  ${'- '.repeat(40_000)}`, 'too-deep'],
    ['deep question marks', '? '.repeat(40_000), 'too-deep'],
    ['deep indentation', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), 'too-deep'],
    ['an alias bomb', bomb, 'too-large'],
    ['many aliases', `x-a: &a 1\nx-b: [${'*a ,'.repeat(5000)}]`, 'too-many-aliases'],
    ['many commas', `{${','.repeat(90_000)}}`, 'too-complex'],
    ['many values', `x-a: [${'1,'.repeat(25_000)}]`, 'too-complex'],
    ['many documents', '---\n'.repeat(20_000), 'several-documents'],
  ];
  for (const [name, text, code] of cases) it(name, () => assert.equal(check(text).diagnostics[0]?.code, code));
  it('reports at most a hundred findings', () => {
    const many = Array.from({ length: 500 }, (_, i) => `unknown${i}: 1`).join('\n');
    assert.equal(check(HEAD + many).diagnostics.length, CONFIG_LIMITS.diagnostics);
  });
  it('leaves the language’s own objects alone', () => {
    const result = check(`${HEAD}${TRANSCODING}__proto__: {polluted: true}\nconstructor: 1\nrtmp: {toString: 1}\n`);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assert.deepEqual(found(result), [
      'warning unknown-key __proto__',
      'warning unknown-key constructor',
      'warning unknown-key rtmp.toString',
    ]);
  });
});

describe('known keys', () => {
  it('a new app’s file is without remark', () => {
    for (const app of ['live', '123', 'null-app', 'a-b']) {
      const text = renderDefaultConfig(app, { displayName: '# "odd": name', roomPrefix: '42' });
      const result = checkConfig({ app, text });
      assert.deepEqual(result.diagnostics, []);
      assert.equal(result.config?.displayName, '# "odd": name');
      assert.equal(result.config?.roomPrefix, '42');
    }
  });
  const wrong: [text: string, ...codes: string[]][] = [
    ['name: other\nroom_prefix: x\n', 'wrong-name name'],
    ['room_prefix: 5\n', 'wrong-type room_prefix'],
    ['room_prefix: A\n', 'not-allowed room_prefix'],
    [`room_prefix: ${'a'.repeat(41)}\n`, 'not-allowed room_prefix'],
    [`display_name: ${'a'.repeat(101)}\n`, 'too-long display_name'],
    ['s3: []\n', 'wrong-type s3'],
    ['s3:\n', 'wrong-type s3'],
    ['recording: x\n', 'wrong-type recording'],
    ['rtmp: no\n', 'wrong-type rtmp'],
    ['webrtc: 7\n', 'wrong-type webrtc'],
    ['features: x\n', 'wrong-type features'],
    ['recording: {enabled: yes}\n', 'wrong-type recording.enabled'],
    ['recording: {mode: xx}\n', 'not-allowed recording.mode'],
    ['recording: {split_minutes: -1}\n', 'out-of-range recording.split_minutes'],
    ['recording: {split_minutes: 1441}\n', 'out-of-range recording.split_minutes'],
    ['recording: {split_minutes: 1.5}\n', 'wrong-type recording.split_minutes'],
    ['recording: {snapshot_seconds: 3601}\n', 'out-of-range recording.snapshot_seconds'],
    ['recording: {local_dir: ../x}\n', 'not-allowed recording.local_dir'],
    ['recording: {local_dir: /tmp}\n', 'not-allowed recording.local_dir'],
    ['recording: {local_dir: a/../b}\n', 'not-allowed recording.local_dir'],
    ['recording: {local_dir: ""}\n', 'not-allowed recording.local_dir'],
    ['recording: {local_dir: app.db}\n', 'not-allowed recording.local_dir'],
    ['recording: {local_dir: "C:x"}\n', 'not-allowed recording.local_dir'],
    ['s3: {provider: gcs}\n', 'not-allowed s3.provider'],
    ['s3: {bucket: }\n', 'wrong-type s3.bucket'],
    [`s3: {bucket: ${'a'.repeat(256)}}\n`, 'too-long s3.bucket'],
    ['s3: {public_url: javascript:alert(1)}\n', 'not-allowed s3.public_url'],
    ['s3: {endpoint: "https:/x"}\n', 'not-allowed s3.endpoint'],
    ['s3: {access_key_env: STREAMHUB_JWT_SECRET}\n', 'foreign-reference s3.access_key_env'],
    ['s3: {secret_key_env: APP_OTHER_S3_SECRET}\n', 'foreign-reference s3.secret_key_env'],
    ['mqtt: {password_env: HOME}\n', 'foreign-reference mqtt.password_env'],
    ['callbacks: {secret_env: APP_LIVE_S3_SECRET}\n', 'foreign-reference callbacks.secret_env'],
    ['callbacks: {url: ftp://x}\n', 'not-allowed callbacks.url'],
    ['callbacks: {secret: "****"}\n', 'masked-value callbacks.secret'],
    ['callbacks: {url: "https://****@example.com/"}\n', 'not-allowed callbacks.url'],
    ['webrtc: {layers: [{name: High, height: 720}]}\n', 'not-allowed webrtc.layers[0].name'],
    ['webrtc: {layers: [{name: high, height: 4321}]}\n', 'out-of-range webrtc.layers[0].height'],
    ['webrtc: {layers: [{name: high}]}\n', 'missing-key webrtc.layers[0]'],
    [`webrtc: {layers: [${'{name: a, height: 1},'.repeat(9)}]}\n`, 'too-many webrtc.layers'],
    ['webrtc: {layers: [7]}\n', 'wrong-type webrtc.layers[0]'],
    ['transcoding: {encoding: vp9}\n', 'not-allowed transcoding.encoding'],
    [
      'transcoding: {vod_renditions: [{height: 143, bitrate_kbps: 99}]}\n',
      'out-of-range transcoding.vod_renditions[0].height',
      'out-of-range transcoding.vod_renditions[0].bitrate_kbps',
    ],
    ['mqtt: {qos: 3}\n', 'out-of-range mqtt.qos'],
    ['mqtt: {url: "http://x"}\n', 'not-allowed mqtt.url'],
    ['mqtt: {logs: {level: loud}}\n', 'not-allowed mqtt.logs.level'],
    [
      'latency_alert: {threshold_ms: 0, cooldown_seconds: -1, interval_seconds: 1}\n',
      'out-of-range latency_alert.threshold_ms',
      'out-of-range latency_alert.cooldown_seconds',
      'out-of-range latency_alert.interval_seconds',
    ],
    ['latency_alert: {threshold_ms: .inf}\n', 'wrong-type latency_alert.threshold_ms'],
    ['recording: {layout: mosaic}\n', 'not-allowed recording.layout'],
    ['distribution: {mode: p2p}\n', 'not-allowed distribution.mode'],
    ['hls: {list_size: 0}\n', 'out-of-range hls.list_size'],
  ];
  for (const [text, ...codes] of wrong)
    it(text.trim().replaceAll('\n', ' ').slice(0, 60), () => assert.deepEqual(errors(text), codes));

  it('what lies at the limits is allowed', () => {
    const result = check(`${HEAD}${TRANSCODING.replace('false', 'true')}display_name: ${'a'.repeat(100)}
recording: {split_minutes: 1440, snapshot_seconds: 3600, local_dir: media/raw}
webrtc: {layers: [${Array.from({ length: 8 }, (_, i) => `{name: l${i}, height: ${i === 0 ? 4320 : i}}`).join(', ')}]}
latency_alert: {threshold_ms: 1, cooldown_seconds: 0, interval_seconds: 2}
mqtt: {url: 'mqtts://broker.example.com:8883', qos: 2}
s3: {provider: minio, endpoint: 'http://127.0.0.1:9000', public_url: ''}
`);
    assert.deepEqual(result.diagnostics, []);
  });
  it('providers of plugins are known when they are named', () => {
    const text = `${HEAD}${TRANSCODING}s3: {provider: gcs, options: {project_id: p}}\n`;
    const result = checkConfig({ app: 'live', text, providers: ['gcs'] });
    assert.deepEqual(result.diagnostics, []);
    assert.deepEqual(result.config?.s3.options, { project_id: 'p' });
  });
  it('reads through an alias', () => {
    assert.deepEqual(errors(`${HEAD}x-r: &r {enabled: no}\nrtmp: *r\n`), ['wrong-type rtmp.enabled']);
  });
});

describe('remarks', () => {
  const cases: [text: string, ...codes: string[]][] = [
    [`room_prefix: live\n${TRANSCODING}`, 'name-missing name'],
    [`name: live\n${TRANSCODING}`, 'room-prefix-missing room_prefix'],
    [`${HEAD}rtmp: {enabled: true}\n`, 'transcoding-missing transcoding'],
    [`${HEAD}${TRANSCODING}s3: {key: AKIA, secret: x}\n`, 'ignored-key s3.key', 'ignored-key s3.secret'],
    [`${HEAD}${TRANSCODING}mqtt: {password: x}\n`, 'ignored-key mqtt.password'],
    [
      `${HEAD}${TRANSCODING}features: {rtmp_password: true, ws_ingest: {max_fps: -1}}\n`,
      'ignored-key features.rtmp_password',
      'ignored-key features.ws_ingest',
    ],
    [`${HEAD}${TRANSCODING}callbacks: {secret: x}\n`, 'inline-secret callbacks.secret'],
    [`${HEAD}${TRANSCODING}callbacks: {url: 'https://me:pw@example.com'}\n`, 'inline-secret callbacks.url'],
    [`${HEAD}${TRANSCODING}x-mine: 1\nrtmp: {x-note: 1}\n`],
    [`${HEAD}${TRANSCODING}distribution: {mode: cdn}\n`, 'no-cdn distribution.cdn.base_url'],
    [`${HEAD}${TRANSCODING}mqtt: {enabled: true}\n`, 'no-broker mqtt.url'],
    [`${HEAD}${TRANSCODING}s3: {provider: minio, endpoint: ''}\n`, 'no-endpoint s3.endpoint'],
    [
      `${HEAD}${TRANSCODING}webrtc: {layers: [{name: a, height: 1}, {name: a, height: 2}]}\n`,
      'double-entry webrtc.layers[1]',
    ],
  ];
  for (const [text, ...codes] of cases) {
    it(codes.join(', ') || 'keys that begin with x- are the operator’s', () => {
      const result = check(text);
      assert.ok(result.valid);
      assert.deepEqual(
        found(result),
        codes.map((code) => `warning ${code}`),
      );
    });
  }
  it('a text that takes all defaults is only told what they make of transcoding', () => {
    for (const text of [HEAD, `${HEAD}...`, `${HEAD}display_name: Live\n`])
      assert.deepEqual(found(check(text)), ['info transcoding-missing transcoding']);
  });
  it('unknown keys come with the key that was meant', () => {
    const { diagnostics } = check(`${HEAD}${TRANSCODING}recordng: {}\nsplitMinutes: 1\nsplit_minutes: 3\nzzz: 1\n`);
    assert.deepEqual(
      diagnostics.map(({ path, message }) => `${path}: ${/did you mean (\S+)\?/.exec(message)?.[1] ?? '-'}`),
      ['recordng: recording', 'splitMinutes: -', 'split_minutes: recording.split_minutes', 'zzz: -'],
    );
  });
  it('names line and column of value and key', () => {
    const { diagnostics } = check(`${HEAD}${TRANSCODING}recording:\n  mode: xx\n  colour: red\n`);
    assert.deepEqual(
      diagnostics.map(({ path, line, column, endLine, endColumn }) => [path, line, column, endLine, endColumn]),
      [
        ['recording.mode', 5, 9, 5, 11],
        ['recording.colour', 6, 3, 6, 9],
      ],
    );
  });
  it('says the first error in one sentence, and how many more there are', () => {
    assert.deepEqual(wordsOf(check('name: live\nroom_prefix: 5\nrtmp: no\n').diagnostics), {
      error: 'line 2, column 14: room_prefix must be text, but is a number (put it in quotes) (and 1 more)',
      warnings: [],
    });
  });
});

describe('the config that results', () => {
  it('a missing transcoding block follows rtmp.transcode', () => {
    assert.equal(check(HEAD).config?.transcoding.enabled, true);
    assert.equal(check(`${HEAD}rtmp: {transcode: false}\n`).config?.transcoding.enabled, false);
    assert.equal(check(`${HEAD}transcoding: {}\n`).config?.transcoding.enabled, false);
  });
  it('no layers mean the default ladder, doubles and surplus renditions are dropped', () => {
    const config = check(`${HEAD}webrtc: {layers: []}\ntranscoding:
  vod_renditions: [${[240, 1080, 240, 720, 480, 360, 144].map((height, i) => `{height: ${height}, bitrate_kbps: ${1000 + i}}`).join(', ')}]\n`).config;
    assert.deepEqual(
      config?.webrtc.layers.map((layer) => layer.height),
      [720, 480, 240],
    );
    assert.deepEqual(
      config?.transcoding.vodRenditions.map(({ height, bitrateKbps }) => [height, bitrateKbps]),
      [
        [1080, 1001],
        [720, 1003],
        [480, 1004],
        [360, 1005],
        [240, 1000],
      ],
    );
  });
});

describe('comparison with the current text', () => {
  it('is made also when the text is invalid', () => {
    const result = check('name: [\n', 'name: live\n');
    assert.equal(result.valid, false);
    assert.equal(result.diff, '- name: live\n+ ****\n  ');
    assert.ok(result.changed);
  });
  it('names the keys whose values differ, not those that only look different', () => {
    const result = check(
      'name: "live"\nrtmp: {enabled: false}\nhls: {list_size: 3}\n',
      'rtmp:\n  enabled: true\nname: live\nmqtt: {qos: 1}\n',
    );
    assert.deepEqual(result.changedKeys, ['rtmp.enabled', 'mqtt.qos', 'hls.list_size']);
  });
  it('is empty for equal texts', () => {
    const result = check(HEAD, HEAD);
    assert.equal(result.diff, '');
    assert.equal(result.changed, false);
  });
});
