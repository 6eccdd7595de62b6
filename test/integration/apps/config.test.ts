import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { operations } from '#shared/contract/index.ts';
import { AppFiles, clientOf, nextEvent } from '#test/helpers/config.ts';
import { type Client, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';

const MASS_TEXT = (app: string) => `# Ours
name: ${app}   # never change
display_name: 'Ours'
room_prefix: ${app}

recording:
    enabled: true     # yes
    mode: "room-composite"
# a block of our own
x-billing: {plan: pro, seats: [1, 2]}
mytool:
    level: 3
transcoding: {enabled: false, encoding: h264}
distribution:
    mode: cdn
    cdn: {base_url: 'https://cdn.example.com'}
`;

let daemon: TestDaemon;
let api: Client;
let viewer: Client;
before(async () => {
  daemon = await testDaemon({ after: (fn) => afterAll.push(fn) });
  api = daemon.api;
  viewer = clientOf(daemon, 'viewer');
});
const afterAll: (() => unknown)[] = [];
test.after(async () => {
  for (const fn of afterAll.reverse()) await fn();
});

let count = 0;
/** A fresh app with a separate text, if one is given. */
async function makeApp(
  text?: (name: string) => string,
): Promise<{ name: string; files: AppFiles; url: string; raw: string }> {
  count += 1;
  const name = `cfg-${count}`;
  assert.equal((await api.post('/apps', { name })).status, 201);
  const url = `/apps/${name}`;
  const raw = `${url}/config/raw`;
  if (text !== undefined) assert.equal((await api.put(raw, { yaml: text(name) })).status, 200);
  return { name, files: new AppFiles(daemon, name), url, raw };
}
const etagOf = async (raw: string): Promise<string> => (await api.get(raw)).headers.get('etag') as string;

describe('the raw text', () => {
  test('a new app’s is the scaffold, whole and without remark', async () => {
    const { name, files, raw } = await makeApp();
    const { status, body, headers } = await api.get(raw);
    assert.equal(status, 200);
    assert.equal(body.error, null);
    assert.equal(body.data.yaml, await files.read());
    assert.equal(body.data.etag, headers.get('etag'));
    assert.equal(body.data.problem, null);
    assert.equal(parse(body.data.yaml).name, name);
    const check = await api.post(`${raw}/validate`, { yaml: body.data.yaml });
    assert.deepEqual([check.body.data.valid, check.body.data.warnings, check.body.data.changed], [true, [], false]);
  });

  test('PUT stores it byte for byte, backs the old one up and answers warnings', async () => {
    const { name, files, raw } = await makeApp();
    const old = await files.read();
    const text = `${MASS_TEXT(name).replaceAll('\n', '\r\n')}# käse 🧀`;
    const changed = nextEvent(daemon, 'config.changed', name);
    const { status, body, headers } = await api.put(raw, { yaml: text });
    assert.equal(status, 200);
    assert.deepEqual([body.error, body.data.reloaded], [null, true]);
    assert.match(body.data.warnings.join('\n'), /mytool is not a key/);
    assert.equal(await files.read(), text);
    assert.deepEqual(await files.backups(), [old]);
    assert.deepEqual(await files.leftovers(), []);
    const read = await api.get(raw);
    assert.equal(read.body.data.yaml, text);
    assert.equal(read.headers.get('etag'), headers.get('etag'));
    const event = await changed;
    assert.equal(event.data.reason, 'raw');
    assert.ok(event.data.changed.includes('mytool.level'));
    assert.equal(event.actor?.id, 'token:1');
    assert.equal((await api.get(`/apps/${name}`)).body.displayName, 'Ours');
  });

  test('PUT of the same text writes nothing and backs nothing up', async () => {
    const { files, raw } = await makeApp(MASS_TEXT);
    const before = await files.backups();
    const { status, body } = await api.put(raw, { yaml: await files.read() });
    assert.deepEqual([status, body.data.reloaded, body.data.changed], [200, true, []]);
    assert.deepEqual(await files.backups(), before);
  });

  test('an invalid text is refused with every finding, and nothing is written', async () => {
    const { name, files, raw } = await makeApp(MASS_TEXT);
    const text = await files.read();
    for (const [yaml, code] of [
      ['name: [', 'bad-indent'],
      ['- a\n', 'not-a-mapping'],
      [`name: ${name}\nrecording: {mode: xx}\n`, 'not-allowed'],
      ['name: other\n', 'wrong-name'],
      [`name: ${name}\ns3: {access_key_env: STREAMHUB_JWT_SECRET}\n`, 'foreign-reference'],
      [`name: ${name}\ns3: {endpoint: 'http://169.254.169.254/'}\n`, 'forbidden-address'],
      [`name: ${name}\ncallbacks: {secret: '****'}\n`, 'masked-value'],
    ] as const) {
      const { status, body } = await api.put(raw, { yaml });
      assert.deepEqual([status, body.code], [400, 'CONFIG_INVALID'], yaml);
      assert.ok(
        body.diagnostics.some((found: { code: string }) => found.code === code),
        yaml,
      );
      assert.ok(body.details.length > 0);
      assert.equal(typeof body.message, 'string');
    }
    assert.equal(await files.read(), text);
    assert.equal((await files.backups()).length, 1);
  });

  test('a text whose only fault is another app’s room prefix is 409, with the finding', async () => {
    const { name, files, raw } = await makeApp();
    const text = await files.read();
    const { status, body } = await api.put(raw, { yaml: `name: ${name}\nroom_prefix: live\n` });
    assert.deepEqual([status, body.code, body.diagnostics.at(-1).code], [409, 'ROOM_PREFIX_TAKEN', 'prefix-taken']);
    assert.equal(await files.read(), text);
  });

  test('limits of the body', async () => {
    const { name, raw } = await makeApp();
    const head = `name: ${name}\nroom_prefix: ${name}\n`;
    // each of these characters takes six bytes as JSON
    const longest = `${head}# ${'\u0001'.repeat(100_000 - head.length - 2)}`;
    assert.equal((await api.post(`${raw}/validate`, { yaml: longest })).status, 200);
    assert.equal((await api.put(raw, { yaml: `${head}# ${'ü'.repeat(100_000 - head.length - 2)}` })).status, 200);
    for (const body of [{ yaml: `${longest}x` }, {}, { yaml: 5 }, { yaml: null }, undefined]) {
      for (const call of [api.put(raw, body), api.post(`${raw}/validate`, body)]) {
        const answer = await call;
        assert.deepEqual([answer.status, answer.body.code], [400, 'VALIDATION_FAILED']);
      }
    }
    const huge = await api.put(raw, { yaml: 'x'.repeat(1_100_000) });
    assert.equal(huge.status, 413);
  });

  test('unknown apps are 404 on every route', async () => {
    const yaml = 'name: nope\n';
    for (const [method, url, body] of [
      ['GET', '/config/raw'],
      ['PUT', '/config/raw', { yaml }],
      ['POST', '/config/raw/validate', { yaml }],
      ['POST', '/config/preview', {}],
      ['GET', '/config/backups'],
      ['GET', '/config/backups/20260630T184500123Z'],
      ['POST', '/config/backups/20260630T184500123Z/revert'],
      ['POST', '/reload'],
      ['PATCH', '', {}],
      ['GET', '/config'],
      ['PATCH', '/config', {}],
    ] as const) {
      const answer = await api.call(method, `/apps/nope${url}`, body);
      assert.deepEqual([answer.status, answer.body.code], [404, 'APP_NOT_FOUND'], `${method} ${url}`);
    }
  });

  test('a preview refuses the secret that the change would refuse', async () => {
    const { url } = await makeApp();
    const settings = { callbackSecret: '****' };
    const message = 'is the mask ****, not a secret';
    const change = await api.patch(url, settings);
    assert.deepEqual([change.status, change.body.details], [400, [{ path: 'body.callbackSecret', message }]]);
    const preview = await api.post(`${url}/config/preview`, { settings });
    assert.deepEqual(
      [preview.status, preview.body.details],
      [400, [{ path: 'body.settings.callbackSecret', message }]],
    );
  });

  test('a viewer reads, validates, previews, and writes nothing', async () => {
    const { raw, url } = await makeApp();
    const yaml = 'name: x\n';
    assert.equal((await viewer.get(raw)).status, 200);
    assert.equal((await viewer.get(`${url}/config`)).status, 200);
    assert.equal((await viewer.get(`${url}/config/backups`)).status, 200);
    assert.equal((await viewer.post(`${raw}/validate`, { yaml })).status, 200);
    assert.equal((await viewer.post(`${url}/config/preview`, {})).status, 200);
    for (const call of [
      viewer.put(raw, { yaml }),
      viewer.patch(url, {}),
      viewer.patch(`${url}/config`, {}),
      viewer.post(`${url}/reload`),
      viewer.post(`${url}/config/backups/20260630T184500123Z/revert`),
    ]) {
      assert.equal((await call).status, 403);
    }
  });
});

describe('validate', () => {
  test('answers a bad text with 200, its error and its diff', async () => {
    const { name, raw } = await makeApp((app) => `name: ${app}\nroom_prefix: ${app}\n`);
    const { status, body } = await api.post(`${raw}/validate`, {
      yaml: `name: ${name}\nrecording: {split_minutes: -1}\n`,
    });
    assert.equal(status, 200);
    const { valid, error, errors, warnings, diff, changed, diagnostics } = body.data;
    assert.deepEqual([valid, warnings, changed], [false, [], true]);
    assert.match(error, /^line 2, column 28: recording\.split_minutes must be 0 to 1440$/);
    assert.deepEqual(errors, [error]);
    assert.equal(diff, `  name: ${name}\n- room_prefix: ${name}\n+ recording: {split_minutes: -1}\n  `);
    assert.equal(diagnostics[diagnostics.length - 1].path, 'recording.split_minutes');
  });

  test('warns of what would need consent, and of addresses that will not be contacted', async () => {
    const { name, raw } = await makeApp();
    const yaml = `name: ${name}\nroom_prefix: ${name}\ntranscoding: {}\ns3: {public_url: 'https://cdn.example.com'}\n`;
    const { body } = await api.post(`${raw}/validate`, { yaml });
    assert.equal(body.data.valid, true);
    assert.match(body.data.warnings.join(), /confirmPublic/);
  });
});

describe('If-Match', () => {
  test('writes with the current ETag, refuses with another and tells the current state', async () => {
    const { files, raw, url, name } = await makeApp(MASS_TEXT);
    const etag = await etagOf(raw);
    const yaml = `${await files.read()}# more\n`;
    const first = await api.put(raw, { yaml }, { 'if-match': etag });
    assert.equal(first.status, 200);
    const { ts } = (await api.get(`${url}/config/backups`)).body.data[0];
    const writes: Record<string, [method: string, at: string, body?: object]> = {
      putRawConfig: ['PUT', raw, { yaml: `${yaml}# late\n` }],
      patchApp: ['PATCH', url, { displayName: 'late' }],
      patchConfig: ['PATCH', `${url}/config`, { adaptive: false }],
      revertConfig: ['POST', `${url}/config/backups/${ts}/revert`, {}],
      applyPreset: ['POST', `${url}/presets/low-latency/apply`],
      putS3: ['PUT', `${url}/s3`, { bucket: 'late' }],
    };
    const write = (id: string, match: string) => {
      const [method, at, body] = writes[id] as (typeof writes)[string];
      return api.call(method, at, body, { 'if-match': match });
    };
    const writing = operations.filter(({ errors = [] }) => errors.includes('CONFIG_INVALID')).map(({ id }) => id);
    assert.deepEqual(Object.keys(writes).sort(), writing.toSorted());
    const late = await Promise.all(writing.map((id) => write(id, etag)));
    for (const { status, body, headers } of late) {
      assert.deepEqual([status, body.code], [412, 'PRECONDITION_FAILED']);
      assert.equal(body.current.etag, first.headers.get('etag'));
      assert.equal(headers.get('etag'), first.headers.get('etag'));
      assert.equal(body.current.yaml, yaml);
    }
    assert.equal(await files.read(), yaml);
    assert.equal((await api.get(`/apps/${name}`)).body.displayName, 'Ours');
    for (const match of ['*', `"other", ${first.headers.get('etag')}`, `W/${first.headers.get('etag')}`]) {
      assert.equal((await api.patch(url, {}, { 'if-match': match })).status, 200);
    }
    for (const id of writing) {
      const { status, headers } = await write(id, await etagOf(raw));
      assert.deepEqual([id, status, headers.get('etag')], [id, 200, await etagOf(raw)]);
    }
  });
});

describe('PATCH /apps/{name}', () => {
  test('changes what was sent and leaves every other byte alone', async () => {
    const { name, files, url } = await makeApp(MASS_TEXT);
    const before = await files.read();
    const { status, body } = await api.patch(url, {
      displayName: 'Neu',
      roomPrefix: `${name}-x`,
      recordingEnabled: false,
      splitMinutes: 1440,
      snapshotSeconds: 0,
      callbackUrl: 'https://hooks.example.com/a',
      features: { chat: true, wsIngest: false, nonsense: 1 },
      s3: { bucket: 'stolen' },
    });
    assert.equal(status, 200);
    assert.equal(
      await files.read(),
      before
        .replace("'Ours'", "'Neu'")
        .replace(`room_prefix: ${name}\n`, `room_prefix: ${name}-x\n`)
        .replace('enabled: true     # yes', 'enabled: false    # yes')
        .replace('"room-composite"\n', '"room-composite"\n    split_minutes: 1440\n    snapshot_seconds: 0\n')
        .concat('callbacks:\n    url: https://hooks.example.com/a\nfeatures:\n    chat: true\n'),
    );
    assert.deepEqual(await files.backups().then((list) => list[0]), before);
    assert.deepEqual(
      [body.displayName, body.roomPrefix, body.recording.enabled, body.recording.splitMinutes],
      ['Neu', `${name}-x`, false, 1440],
    );
    assert.deepEqual(
      [body.features.chat, body.features.viewerCounter, body.callbacks.url],
      [true, true, 'https://hooks.example.com/a'],
    );
    assert.equal(body.s3.bucket, '');
    const record = (await api.get(url)).body;
    assert.deepEqual([record.displayName, record.livekitRoomPrefix], ['Neu', `${name}-x`]);
  });

  test('an empty body and values that are there already write nothing; updatedAt moves', async () => {
    const { files, url } = await makeApp(MASS_TEXT);
    const [text, backups, before] = [await files.read(), await files.backups(), (await api.get(url)).body.updatedAt];
    for (const body of [{}, { displayName: 'Ours', recordingEnabled: true }, { unknown: 1 }]) {
      assert.equal((await api.patch(url, body)).status, 200);
    }
    assert.equal(await files.read(), text);
    assert.deepEqual(await files.backups(), backups);
    assert.ok((await api.get(url)).body.updatedAt > before);
  });

  test('refuses wrong types and values, each with its field', async () => {
    const { files, url } = await makeApp(MASS_TEXT);
    const text = await files.read();
    const cases: [body: object, path: string][] = [
      [{ displayName: 'a'.repeat(101) }, 'body.displayName'],
      [{ displayName: null }, 'body.displayName'],
      [{ roomPrefix: '-a' }, 'body.roomPrefix'],
      [{ roomPrefix: 'a'.repeat(41) }, 'body.roomPrefix'],
      [{ recordingEnabled: 'true' }, 'body.recordingEnabled'],
      [{ splitMinutes: 1441 }, 'body.splitMinutes'],
      [{ splitMinutes: -1 }, 'body.splitMinutes'],
      [{ splitMinutes: '15' }, 'body.splitMinutes'],
      [{ snapshotSeconds: 3601 }, 'body.snapshotSeconds'],
      [{ callbackUrl: 'ftp://x' }, 'body.callbackUrl'],
      [{ callbackUrl: `https://x/${'a'.repeat(2040)}` }, 'body.callbackUrl'],
      [{ callbackUrl: 'http://169.254.169.254/latest' }, 'body.callbackUrl'],
      [{ callbackSecret: 'a'.repeat(257) }, 'body.callbackSecret'],
      [{ callbackSecret: '****' }, 'body.callbackSecret'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder as an operator writes it
      [{ callbackSecret: '${SECRET}' }, 'body.callbackSecret'],
      [{ mqttPassword: '“hidden”' }, 'body.mqttPassword'],
      [{ mqttPassword: 'hid\u200bden' }, 'body.mqttPassword'],
      [{ features: { chat: 1 } }, 'body.features.chat'],
      [{ features: [] }, 'body.features'],
      [{ features: null }, 'body.features'],
    ];
    for (const [body, field] of cases) {
      const answer = await api.patch(url, body);
      assert.deepEqual([answer.status, answer.body.code], [400, 'VALIDATION_FAILED'], JSON.stringify(body));
      assert.equal(answer.body.details[0].path, field);
      assert.ok(answer.body.message.startsWith(`${field} `), answer.body.message);
    }
    assert.equal(await files.read(), text);
  });

  test('a room prefix of another app is 409, also of two at once', async () => {
    const one = await makeApp();
    const two = await makeApp();
    const taken = await api.patch(one.url, { roomPrefix: two.name });
    assert.deepEqual(
      [taken.status, taken.body.code, taken.body.details[0].path],
      [409, 'ROOM_PREFIX_TAKEN', 'body.roomPrefix'],
    );
    const answers = await Promise.all([one, two].map(({ url }) => api.patch(url, { roomPrefix: 'wanted' })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const owners = await Promise.all(
      [one, two].map(async ({ files }) => parse(await files.read()).room_prefix === 'wanted'),
    );
    assert.equal(owners.filter(Boolean).length, 1);
  });

  test('the callback secret goes to the secret store and appears nowhere', async () => {
    const { name, files, url, raw } = await makeApp(
      (app) =>
        `name: ${app}\nroom_prefix: ${app}\ntranscoding: {}\ncallbacks:\n  secret: inline-secret-1 # old\n  url: ''\n`,
    );
    const published: unknown[] = [];
    const stop = daemon.services.events.subscribe((event) => published.push(event));
    const { status, body, text } = await api.patch(url, { callbackSecret: 'stored-secret-2' });
    stop();
    assert.equal(status, 200);
    assert.equal(body.callbacks.secret, '****');
    assert.equal(daemon.services.secrets.get(name, 'callbackSecret'), 'stored-secret-2');
    const reference = `APP_${name.toUpperCase().replace('-', '_')}_CALLBACK_SECRET`;
    assert.match(await files.read(), new RegExp(`callbacks:\n {2}url: ''\n {2}secret_env: ${reference}\n`));
    assert.doesNotMatch(
      [text, await files.read(), JSON.stringify(published), (await api.get(raw)).text].join(),
      /-secret-[12]/,
    );
    const again = nextEvent(daemon, 'config.reloaded', name);
    assert.equal((await api.patch(url, { callbackSecret: 'stored-secret-3' })).status, 200);
    assert.equal((await again).data.reason, 'settings');
    assert.equal(daemon.services.secrets.get(name, 'callbackSecret'), 'stored-secret-3');
    const cleared = await api.patch(url, { callbackSecret: '' });
    assert.equal(cleared.body.callbacks.secret, '');
    assert.equal(daemon.services.secrets.get(name, 'callbackSecret'), '');
  });

  test('a refused call stores no secret', async () => {
    const { name, url } = await makeApp();
    const answer = await api.patch(url, { callbackSecret: 'never-stored', roomPrefix: 'live' });
    assert.equal(answer.status, 409);
    assert.equal(daemon.services.secrets.get(name, 'callbackSecret'), '');
  });

  test('masks the S3 keys', async () => {
    const { name, url } = await makeApp();
    await daemon.services.secrets.set(name, { s3AccessKey: 'AKIAIOSFODNN7EXAMPLE', s3SecretKey: 'wJalrXUtnFEMI' });
    const { body, text } = await api.patch(url, {});
    assert.deepEqual([body.s3.accessKey, body.s3.secretKey], ['****MPLE', '****']);
    assert.doesNotMatch(text, /AKIAIOS|wJalr/);
  });
});

describe('GET and PATCH /apps/{app}/config', () => {
  test('shows the streaming settings and changes what was sent', async () => {
    const { name, files, url } = await makeApp(MASS_TEXT);
    const text = await files.read();
    const { body } = await api.get(`${url}/config`);
    assert.equal(body.app, name);
    assert.deepEqual(Object.keys(body).sort(), ['adaptive', 'app', 'features', 'layers', 'rtmp', 'transcoding']);
    assert.equal(Object.keys(body.features).length, 8);
    assert.deepEqual(Object.keys(body.transcoding.hwaccelResolved).sort(), [
      'effective',
      'reason',
      'requested',
      'type',
    ]);
    const patched = await api.patch(`${url}/config`, {
      layers: [{ name: 'only', height: 4320 }],
      vodRenditions: [{ height: 144, bitrateKbps: 100 }],
      encoding: 'h264+vp8',
      hwaccel: 'gpu',
    });
    assert.equal(patched.status, 200);
    assert.deepEqual(patched.body.layers, [{ name: 'only', height: 4320 }]);
    assert.deepEqual(patched.body.transcoding.vodRenditions, [{ height: 144, bitrateKbps: 100 }]);
    assert.deepEqual(
      [patched.body.transcoding.hwaccel, patched.body.transcoding.hwaccelResolved.requested],
      ['gpu', 'gpu'],
    );
    assert.equal(
      await files.read(),
      text
        .replace(
          '{enabled: false, encoding: h264}',
          '{enabled: false, encoding: h264+vp8, vod_renditions: [{height: 144, bitrate_kbps: 100}], hwaccel: gpu}',
        )
        .concat('webrtc:\n    layers:\n        - name: only\n          height: 4320\n'),
    );
  });

  test('one field never flips another: a missing transcoding block keeps its meaning', async () => {
    const { files, url } = await makeApp((app) => `name: ${app}\nroom_prefix: ${app}\n`);
    assert.equal((await api.get(`${url}/config`)).body.transcoding.enabled, true);
    const { body } = await api.patch(`${url}/config`, { vodAdaptive: true });
    assert.deepEqual([body.transcoding.enabled, body.rtmp.transcode], [true, true]);
    const next = await api.patch(`${url}/config`, { rtmpTranscode: false });
    assert.deepEqual([next.body.transcoding.enabled, next.body.rtmp.transcode], [true, false]);
    assert.deepEqual(parse(await files.read()).transcoding, { enabled: true, vod_adaptive: true });
  });

  test('limits', async () => {
    const { url } = await makeApp();
    const layers = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `l${i}`, height: 100 + i }));
    assert.equal((await api.patch(`${url}/config`, { layers: layers(8) })).status, 200);
    assert.equal((await api.patch(`${url}/config`, { vodRenditions: [] })).status, 200);
    for (const body of [
      { layers: layers(9) },
      { layers: [] },
      { layers: [{ name: 'A', height: 1 }] },
      { layers: [{ name: 'a', height: 4321 }] },
      { layers: [{ name: 'a' }] },
      { vodRenditions: [{ height: 143, bitrateKbps: 100 }] },
      { vodRenditions: [{ height: 144, bitrateKbps: 99 }] },
      { vodRenditions: Array.from({ length: 9 }, () => ({ height: 144, bitrateKbps: 100 })) },
      { encoding: 'vp9' },
      { hwaccel: 'npu' },
      { adaptive: 1 },
      { transcodingEnabled: null },
    ]) {
      assert.equal((await api.patch(`${url}/config`, body)).status, 400, JSON.stringify(body));
    }
  });
});

describe('preview', () => {
  test('shows what both PATCH routes would do and writes nothing', async () => {
    const { files, url } = await makeApp(MASS_TEXT);
    const text = await files.read();
    const { status, body } = await viewer.post(`${url}/config/preview`, {
      settings: { displayName: 'Neu' },
      streaming: { adaptive: false },
    });
    assert.equal(status, 200);
    assert.deepEqual(body.data.changedKeys, ['display_name', 'webrtc.adaptive']);
    assert.match(body.data.diff, /^- display_name: 'Ours'\n\+ display_name: 'Neu'$/m);
    assert.equal(body.data.diff.split('\n').filter((line: string) => /^[+-] /.test(line)).length, 4);
    assert.equal(await files.read(), text);
  });
});

describe('a first public address', () => {
  const publicText = (app: string) =>
    `name: ${app}\nroom_prefix: ${app}\ntranscoding: {}\ns3: {public_url: 'https://cdn.example.com'}\n`;
  test('needs consent in PUT and revert, and none to stay or to go', async () => {
    const { name, files, url, raw } = await makeApp((app) => `name: ${app}\nroom_prefix: ${app}\ntranscoding: {}\n`);
    const refused = await api.put(raw, { yaml: publicText(name) });
    assert.deepEqual([refused.status, refused.body.code], [400, 'STORAGE_PUBLIC_UNCONFIRMED']);
    assert.doesNotMatch(await files.read(), /cdn/);
    assert.equal((await api.put(raw, { yaml: publicText(name), confirmPublic: true })).status, 200);
    assert.equal((await api.put(raw, { yaml: `${publicText(name)}# more\n` })).status, 200);
    assert.equal((await api.put(raw, { yaml: `name: ${name}\nroom_prefix: ${name}\n` })).status, 200);
    const { ts } = (await api.get(`${url}/config/backups`)).body.data[0];
    assert.equal((await api.post(`${url}/config/backups/${ts}/revert`)).body.code, 'STORAGE_PUBLIC_UNCONFIRMED');
    assert.equal((await api.post(`${url}/config/backups/${ts}/revert`, { confirmPublic: true })).status, 200);
    assert.equal(await files.read(), `${publicText(name)}# more\n`);
  });
});

describe('backups', () => {
  test('are a timeline: newest first, with who, when and what', async () => {
    const { name, url, raw } = await makeApp();
    const first = (await api.get(raw)).body.data.yaml;
    await api.put(raw, { yaml: MASS_TEXT(name) });
    await api.patch(url, { displayName: 'Neu' });
    const { body } = await api.get(`${url}/config/backups`);
    assert.deepEqual(
      body.data.map((backup: any) => [
        backup.change.reason,
        backup.change.actor.id,
        backup.change.changed.includes('display_name'),
      ]),
      [
        ['settings', 'token:1', true],
        ['raw', 'token:1', true],
      ],
    );
    const oldest = body.data[1];
    assert.match(oldest.ts, /^\d{8}T\d{9}Z$/);
    assert.equal(oldest.file, `config.yaml.bak.${oldest.ts}`);
    assert.equal(oldest.sizeBytes, Buffer.byteLength(first));
    assert.equal(new Date(oldest.createdAt).toISOString(), oldest.createdAt);
    assert.deepEqual((await api.get(`${url}/config/backups/${oldest.ts}`)).body, {
      data: { yaml: first, masked: false, hidden: null },
      error: null,
    });
    const reverted = await api.post(`${url}/config/backups/${oldest.ts}/revert`);
    assert.deepEqual([reverted.status, reverted.body.data.reloaded], [200, true]);
    assert.equal((await api.get(raw)).body.data.yaml, first);
    const after = (await api.get(`${url}/config/backups`)).body.data;
    assert.deepEqual([after.length, after[0].change.reason, after[0].change.detail], [3, 'revert', oldest.ts]);
    assert.equal((await api.post(`${url}/config/backups/${oldest.ts}/revert`)).status, 200);
    assert.equal((await api.get(`${url}/config/backups`)).body.data.length, 3);
  });

  test('bad ids are 400, missing ones 404, and an invalid backup is not gone back to', async () => {
    const { name, files, url } = await makeApp();
    for (const ts of ['a%2F..%2Fb', 'x%20y', 'ü', 'a'.repeat(65)]) {
      assert.equal((await api.get(`${url}/config/backups/${ts}`)).status, 400, ts);
      assert.equal((await api.post(`${url}/config/backups/${ts}/revert`)).status, 400, ts);
    }
    assert.equal((await api.get(`${url}/config/backups/20200101T000000000Z`)).body.code, 'BACKUP_NOT_FOUND');
    assert.equal((await api.post(`${url}/config/backups/20200101T000000000Z/revert`)).status, 404);
    await writeFile(path.join(files.dir, 'config.yaml.bak.20200101T000000000Z'), `name: ${name}\nrtmp: no\n`);
    const text = await files.read();
    assert.equal((await api.post(`${url}/config/backups/20200101T000000000Z/revert`)).body.code, 'CONFIG_INVALID');
    assert.equal(await files.read(), text);
  });

  test('the newest twenty are kept; going back to the oldest keeps it', async () => {
    const { name, files, url, raw } = await makeApp();
    for (let i = 0; i < 22; i += 1) {
      assert.equal((await api.put(raw, { yaml: `name: ${name}\nroom_prefix: ${name}\n# ${i}\n` })).status, 200);
    }
    const list = (await api.get(`${url}/config/backups`)).body.data;
    assert.equal(list.length, 20);
    assert.ok(list.every((backup: any) => backup.change !== null));
    const oldest = list[19].ts;
    assert.equal((await api.post(`${url}/config/backups/${oldest}/revert`)).status, 200);
    const after = (await api.get(`${url}/config/backups`)).body.data.map((backup: any) => backup.ts);
    assert.ok(after.includes(oldest));
    assert.match(await files.read(), /# 1\n$/);
  });
});

describe('inline secrets', () => {
  const text = (app: string) => `name: ${app}\nroom_prefix: ${app}\ntranscoding: {}\ncallbacks: {secret: hunter-two}\n`;
  test('are shown to those who may write the config, and masked for others', async () => {
    const { name, url, raw } = await makeApp(text);
    await api.put(raw, { yaml: `${text(name)}# more\n` });
    assert.match((await api.get(raw)).body.data.yaml, /hunter-two/);
    assert.equal((await api.get(raw)).body.data.masked, false);
    const seen = await viewer.get(raw);
    assert.equal(seen.body.data.masked, true);
    assert.equal(seen.body.data.yaml, `${text(name).replace('hunter-two', '"****"')}# more\n`);
    const { ts } = (await api.get(`${url}/config/backups`)).body.data[0];
    assert.match((await api.get(`${url}/config/backups/${ts}`)).text, /hunter-two/);
    assert.doesNotMatch((await viewer.get(`${url}/config/backups/${ts}`)).text, /hunter-two/);
    assert.doesNotMatch((await viewer.post(`${raw}/validate`, { yaml: 'name: x\n' })).text, /hunter-two/);
    assert.equal(seen.body.data.hidden, null);
    const masked = await api.put(raw, { yaml: seen.body.data.yaml });
    assert.deepEqual([masked.status, masked.body.diagnostics[0].code], [400, 'masked-value']);
  });
});

test('a text that cannot be read is shown to those who may write the config, and to nobody else', async () => {
  const { files, raw, url } = await makeApp();
  for (const broken of [
    'callbacks: {url: "https://u:hunter-two@h/"\n',
    '? {secret: hunter-two}\n',
    '- hunter-two\n',
    // reading this costs more than a config may
    `x: ${'['.repeat(200_000)}hunter-two\n`,
  ]) {
    await files.write(broken);
    await api.post(`${url}/reload`);
    const { yaml, masked, hidden, problem } = (await viewer.get(raw)).body.data;
    assert.deepEqual([yaml, masked], ['', true]);
    assert.match(hidden, /not shown/);
    assert.ok(problem !== null);
    const guess = await viewer.post(`${raw}/validate`, { yaml: 'name: x\n' });
    for (const text of [JSON.stringify(problem), guess.text]) assert.doesNotMatch(text, /hunter-two/);
    const whole = (await api.get(raw)).body.data;
    assert.deepEqual([whole.yaml, whole.masked, whole.hidden], [broken, false, null]);
  }
  await writeFile(path.join(files.dir, 'config.yaml.bak.20260630T184500123Z'), '- hunter-two\n');
  const backup = `${url}/config/backups/20260630T184500123Z`;
  assert.match((await viewer.get(backup)).body.data.hidden, /not shown/);
  assert.doesNotMatch((await viewer.get(backup)).text, /hunter-two/);
  assert.match((await api.get(backup)).text, /hunter-two/);
});

describe('reload', () => {
  test('reads the file again and moves updatedAt', async () => {
    const { name, files, url } = await makeApp();
    const before = (await api.get(url)).body;
    await files.write((await files.read()).replace(/display_name: \S+/, 'display_name: By-hand'));
    const reloaded = nextEvent(daemon, 'config.reloaded', name);
    const { status, body } = await api.post(`${url}/reload`);
    assert.deepEqual([status, body.data.reloaded], [200, true]);
    const after = (await api.get(url)).body;
    assert.equal(after.displayName, 'By-hand');
    assert.ok(after.updatedAt > before.updatedAt);
    await reloaded;
  });

  test('a broken or missing file is no error: old values stay, the reason is told', async () => {
    const { files, url } = await makeApp();
    for (const [broken, reason] of [
      ['name: [', /line 1/],
      ['x'.repeat(400_001), /larger/],
    ] as const) {
      await files.write(broken);
      const { status, body } = await api.post(`${url}/reload`);
      assert.deepEqual([status, body.data.reloaded], [200, false]);
      assert.match(body.data.warnings[0], reason);
      assert.equal((await api.get(`${url}/config`)).body.adaptive, true);
    }
    await rm(path.join(files.dir, 'config.yaml'));
    const gone = await api.post(`${url}/reload`);
    assert.match(gone.body.data.warnings[0], /missing/);
  });
});

test('the schema of config.yaml is served without credential', async () => {
  const { status, body } = await api.as(null).get('/config/schema');
  assert.equal(status, 200);
  assert.equal(body.properties.recording.properties.split_minutes['x-unit'], 'minutes');
  assert.equal(body.required, undefined);
});
