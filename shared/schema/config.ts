import { type Static, Type } from 'typebox';
import { CONFIG_LIMITS } from '../config/limits.ts';
import { PatchAppBody, PatchStreamingBody } from '../config/patch.ts';
import { ConfigFile } from '../config/schema.ts';
import type { AppConfigView as AppConfigViewType, StreamingView as StreamingViewType } from '../config/view.ts';
import { camelSchema } from '../config/wire-schema.ts';
import { AppNameParams, Instant, nullable, object, oneOf } from './common.ts';

type JsonObject = { title?: string; properties: Record<string, JsonObject>; required?: string[] };

const text = (description: string) => ({ type: 'string', description });

const off = { type: 'boolean', description: 'Always false: kept for older clients.' };
const none = { type: 'integer', description: 'Always 0: kept for older clients.' };
const counts = { maxCameras: none, maxFps: none, maxFrameKb: none };
/** See RETIRED_FEATURES. */
const retiredFeatures = {
  rtmpPassword: off,
  wsIngest: {
    title: 'WsIngest',
    type: 'object',
    description: 'Always off: kept for older clients.',
    properties: { enabled: off, ...counts },
    required: ['enabled', ...Object.keys(counts)],
    additionalProperties: false,
  },
};
const withRetired = (features: JsonObject): JsonObject => ({
  ...features,
  title: 'Features',
  properties: { ...features.properties, ...(retiredFeatures as unknown as Record<string, JsonObject>) },
  required: [...(features.required ?? []), ...Object.keys(retiredFeatures)],
});

/** The whole config in camelCase, secrets masked. Its shape comes from the config schema. */
export const AppConfigView = (() => {
  const schema = camelSchema(ConfigFile) as unknown as JsonObject;
  const { s3, callbacks, mqtt, features } = schema.properties as Record<
    's3' | 'callbacks' | 'mqtt' | 'features',
    JsonObject
  >;
  schema.properties['features'] = withRetired(features);
  const reshape = (block: JsonObject, remove: string[], add: Record<string, unknown>, optional: string[] = []) => {
    for (const name of remove) delete block.properties[name];
    Object.assign(block.properties, add);
    block.required = [...(block.required ?? []), ...Object.keys(add)].filter(
      (name) => !remove.includes(name) && !optional.includes(name),
    );
  };
  const masked = text('Masked; empty if no secret is stored.');
  reshape(s3, ['accessKeyEnv', 'secretKeyEnv'], { accessKey: masked, secretKey: masked }, [
    'endpoint',
    'publicUrl',
    'publicEndpoint',
  ]);
  reshape(callbacks, ['secretEnv', 'secret'], { secret: masked });
  reshape(mqtt, ['passwordEnv'], { password: masked });
  return Type.Unsafe<AppConfigViewType>({ ...schema, title: 'AppConfig' });
})();
export type AppConfigView = AppConfigViewType;

const block = (name: keyof typeof ConfigFile.properties) => camelSchema(ConfigFile.properties[name]);

/** Streaming settings of an app. */
export const StreamingView = (() => {
  const webrtc = block('webrtc') as unknown as JsonObject;
  const transcoding = block('transcoding') as unknown as JsonObject;
  Object.assign(transcoding.properties, {
    hwaccelResolved: {
      type: 'object',
      description: 'Where encoding runs, and why.',
      properties: {
        requested: text('Requested by the app or, by default, the daemon: auto, gpu or cpu.'),
        effective: text('gpu or cpu.'),
        type: text('nvidia, vaapi or none.'),
        reason: text('The reason as a sentence.'),
      },
      required: ['requested', 'effective', 'type', 'reason'],
    },
  });
  return Type.Unsafe<StreamingViewType>({
    type: 'object',
    properties: {
      app: text('Name of the app.'),
      adaptive: webrtc.properties['adaptive'],
      layers: webrtc.properties['layers'],
      rtmp: block('rtmp'),
      features: withRetired(block('features') as unknown as JsonObject),
      transcoding,
    },
    required: ['app', 'adaptive', 'layers', 'rtmp', 'features', 'transcoding'],
  });
})();
export type StreamingView = StreamingViewType;

const yaml = Type.String({ maxLength: CONFIG_LIMITS.chars, description: 'The whole text of config.yaml.' });
const confirmPublic = Type.Optional(
  Type.Boolean({
    description: 'Must be true when the text sets s3.public_url for the first time, because recordings become public.',
  }),
);

export const PutRawBody = object({ yaml, confirmPublic });
export const ValidateBody = object({ yaml });
export const RevertBody = object({ confirmPublic });
/** A structured change that is only tried. */
export const PreviewBody = object({
  settings: Type.Optional(PatchAppBody),
  streaming: Type.Optional(PatchStreamingBody),
});

const Diagnostic = object(
  {
    severity: oneOf(['error', 'warning', 'info'], {
      title: 'DiagnosticSeverity',
      description: '`info`: good to know, nothing to fix; not listed in `warnings`.',
    }),
    code: Type.String({ description: 'Stable code.', examples: ['unknown-key'] }),
    message: Type.String(),
    path: Type.String({ description: 'Dotted key; empty for the whole text.', examples: ['recording.split_minutes'] }),
    line: Type.Integer({ description: 'Starts at 1.' }),
    column: Type.Integer({ description: 'Starts at 1.' }),
    endLine: Type.Integer(),
    endColumn: Type.Integer(),
  },
  { title: 'Diagnostic' },
);

/** What is wrong with the file on the disk; the active config is the last one that was valid. */
export const ConfigProblem = object({
  message: Type.String(),
  since: Instant,
  diagnostics: Type.Array(Diagnostic),
});
export type ConfigProblem = Static<typeof ConfigProblem>;

const shownText = {
  yaml: Type.String({ description: 'The text; empty if it is not shown.' }),
  masked: Type.Boolean({ description: 'Incomplete, because the caller may not write the config.' }),
  hidden: nullable(Type.String({ description: 'Why the text is not shown.' })),
};

export const ConfigText = object(shownText);

export const RawConfig = object({
  ...shownText,
  etag: Type.String({ description: 'Also in the ETag header; send it back in If-Match.' }),
  problem: nullable(ConfigProblem),
  writable: Type.Boolean({ description: 'The daemon can write the file. A full disk shows only when writing.' }),
  writeProblem: nullable(
    object({
      code: Type.String({ description: 'The error code that a write returns.', examples: ['FILE_READ_ONLY'] }),
      message: Type.String(),
      hint: Type.String({ description: 'How to fix it.' }),
    }),
    { description: 'Why the file can’t be written.' },
  ),
});
export type RawConfig = Static<typeof RawConfig>;

export const ConfigWritten = object({
  reloaded: Type.Boolean({ description: 'The text is active.' }),
  warnings: Type.Array(Type.String()),
  changed: Type.Array(Type.String(), { description: 'Dotted keys whose values changed.' }),
});
export type ConfigWritten = Static<typeof ConfigWritten>;

const outcome = {
  valid: Type.Boolean(),
  warnings: Type.Array(Type.String(), { description: 'Empty when invalid.' }),
  error: nullable(Type.String({ description: 'The first error, with line and column.' })),
  errors: Type.Array(Type.String(), { description: 'Empty, or only that error; see diagnostics for all.' }),
  diff: Type.String({
    description:
      'Every line of the merged view, with the prefix two spaces, `- ` or `+ `; empty if equal. Secrets are masked.',
  }),
  changed: Type.Boolean(),
  diagnostics: Type.Array(Diagnostic),
};
export const ValidateResult = object(outcome);
export type ValidateResult = Static<typeof ValidateResult>;

export const PreviewResult = object({
  ...outcome,
  changedKeys: Type.Array(Type.String(), { description: 'Dotted keys whose values would change.' }),
});
export type PreviewResult = Static<typeof PreviewResult>;

/** How a config changed, as its backup says. */
export const CHANGE_REASONS = ['raw', 'revert', 'settings', 'streaming', 'preset', 's3', 'apply', 'hand-edit'] as const;

/** The change that a backup was taken for. */
export const ConfigChange = object({
  at: Instant,
  actor: object({ id: Type.String(), label: nullable(Type.String()) }),
  reason: oneOf(CHANGE_REASONS, { description: 'How the text in the backup was replaced.' }),
  detail: nullable(Type.String({ description: 'The preset, or the backup that was restored.' })),
  changed: Type.Array(Type.String(), { description: 'Dotted keys whose values changed then.' }),
});
export type ConfigChange = Static<typeof ConfigChange>;

export const ConfigBackup = object({
  file: Type.String({ examples: ['config.yaml.bak.20260630T184500123Z'] }),
  ts: Type.String({ description: 'Id of the backup.', examples: ['20260630T184500123Z'] }),
  sizeBytes: Type.Integer(),
  createdAt: Instant,
  change: nullable(ConfigChange, { description: 'Null if unknown.' }),
});
export type ConfigBackup = Static<typeof ConfigBackup>;

export const BackupParams = object({
  ...AppNameParams.properties,
  ts: Type.String({ pattern: '^[A-Za-z0-9_.-]+$', maxLength: 64, examples: ['20260630T184500123Z'] }),
});

/** Other headers are left alone. */
export const IfMatchHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ maxLength: 1024, description: 'Write only if the config still has this ETag.' }),
  ),
});
