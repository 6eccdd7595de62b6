import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import type { TSchema } from 'typebox';
import { annotationsOf, propertiesOf } from './annotations.ts';
import { checkConfig } from './check.ts';
import { completeConfig, defaultConfig, schemaAt, secretReferences } from './defaults.ts';
import { resolveHwaccel } from './hwaccel.ts';
import { configJsonSchema } from './json-schema.ts';
import { APP_PATCH, PatchAppBody, PatchStreamingBody, STREAMING_PATCH } from './patch.ts';
import { ConfigFile } from './schema.ts';
import { appConfigView } from './view.ts';
import { editsOf, type PatchTable } from './wire-schema.ts';

function leaves(schema: TSchema, path: string[] = []): [string, TSchema][] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, property]) =>
    propertiesOf(property) === undefined ? [[[...path, name].join('.'), property]] : leaves(property, [...path, name]),
  );
}

describe('the config schema', () => {
  it('every key says what it is and when it takes effect', () => {
    const silent = leaves(ConfigFile)
      .filter(([, schema]) => annotationsOf(schema)['x-ignored'] === undefined)
      .filter(([, schema]) => !annotationsOf(schema).description || !annotationsOf(schema)['x-reload'])
      .map(([path]) => path);
    assert.deepEqual(silent, []);
  });
  it('every default is valid and every key that is written has one', () => {
    for (const app of ['live', 'a-b-c', '42-x']) {
      const text = JSON.stringify(defaultConfig(app));
      assert.deepEqual(checkConfig({ app, text }).diagnostics, []);
    }
    const without = leaves(ConfigFile)
      .filter(([, schema]) => annotationsOf(schema)['x-written'] !== false)
      .filter(([path]) => path.split('.').reduce<any>((at, part) => at?.[part], defaultConfig('live')) === undefined)
      .map(([path]) => path);
    assert.deepEqual(without, []);
  });
  it('serves editors: nothing is required but inside lists', () => {
    // it names draft 2020-12 but uses nothing that draft 7 lacks
    const { $schema, ...schema } = configJsonSchema() as Record<string, unknown>;
    assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema');
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    assert.ok(validate({}));
    assert.ok(validate({ s3: { bucket: 'b' }, mine: 1 }));
    assert.equal(validate({ webrtc: { layers: [{ name: 'a' }] } }), false);
    assert.equal(validate({ recording: { split_minutes: 1441 } }), false);
  });
  it('names an app’s secrets after it', () => {
    assert.deepEqual(secretReferences('my--app-2'), {
      s3AccessKey: 'APP_MY_APP_2_S3_KEY',
      s3SecretKey: 'APP_MY_APP_2_S3_SECRET',
      callbackSecret: 'APP_MY_APP_2_CALLBACK_SECRET',
      mqttPassword: 'APP_MY_APP_2_MQTT_PASSWORD',
    });
  });
});

describe('patch tables', () => {
  it('name existing keys only', () => {
    const paths = (table: PatchTable): string[] =>
      Object.values(table).flatMap((target) => (typeof target === 'string' ? [target] : paths(target)));
    for (const path of [...paths(APP_PATCH), ...paths(STREAMING_PATCH)]) {
      assert.ok(schemaAt(path.split('.')), path);
    }
  });
  it('write only what was sent, with the file’s names', () => {
    assert.deepEqual(editsOf(APP_PATCH, {}), []);
    assert.deepEqual(
      editsOf(STREAMING_PATCH, {
        vodRenditions: [{ height: 720, bitrateKbps: 900 }],
        features: { hiddenQc: false, chat: undefined },
      }),
      [
        {
          op: 'set',
          path: ['transcoding', 'vod_renditions'],
          value: [{ height: 720, bitrate_kbps: 900 }],
          field: 'body.vodRenditions',
        },
        { op: 'set', path: ['features', 'hidden_qc'], value: false, field: 'body.features.hiddenQc' },
      ],
    );
  });
  it('bodies have the limits of the keys they write, and no defaults', () => {
    const app = PatchAppBody as unknown as { properties: Record<string, Record<string, unknown>> };
    const streaming = PatchStreamingBody as unknown as { properties: Record<string, Record<string, unknown>> };
    assert.equal(app.properties['splitMinutes']?.['maximum'], 1440);
    assert.equal(app.properties['callbackSecret']?.['maxLength'], 256);
    assert.equal(streaming.properties['layers']?.['minItems'], 1);
    assert.doesNotMatch(JSON.stringify([app, streaming]), /"default"|x-template/);
  });
});

describe('views', () => {
  it('the whole config masks secrets and leaves out what is empty', () => {
    const config = completeConfig({ s3: { endpoint: '' }, callbacks: { secret: 'hunter2' } }, 'live');
    const secrets = { s3AccessKey: '****ABCD', s3SecretKey: '****', callbackSecret: '', mqttPassword: '' };
    const view = appConfigView(config, secrets);
    assert.equal('endpoint' in view.s3, false);
    assert.equal('publicUrl' in view.s3, false);
    assert.equal(view.s3.accessKey, '****ABCD');
    assert.deepEqual(view.callbacks, { url: '', secret: '****' });
    assert.doesNotMatch(JSON.stringify(view), /hunter2|Env"|_ENV|APP_LIVE/);
  });
});

describe('resolveHwaccel', () => {
  const gpu = { available: true, type: 'nvidia', devices: [], checkedAt: '', detail: 'A card.' } as const;
  const cases = [
    ['cpu', { ...gpu, canEncode: true }, 'cpu'],
    ['auto', { ...gpu, canEncode: true }, 'gpu'],
    ['auto', { ...gpu, canEncode: false }, 'cpu'],
    ['auto', { ...gpu }, 'cpu'],
    ['gpu', { ...gpu }, 'gpu'],
    ['gpu', { ...gpu, canEncode: false }, 'cpu'],
    ['gpu', { ...gpu, available: false, type: 'none' }, 'cpu'],
    ['gpu', undefined, 'cpu'],
  ] as const;
  for (const [wish, status, effective] of cases) {
    it(`${wish} with ${JSON.stringify(status ?? 'no probe yet')} is ${effective}`, () => {
      const resolved = resolveHwaccel(wish, status && { ...status, devices: [] });
      assert.equal(resolved.effective, effective);
      assert.equal(resolved.requested, wish);
      assert.notEqual(resolved.reason, '');
    });
  }
});
