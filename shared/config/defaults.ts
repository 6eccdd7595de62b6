import type { TSchema } from 'typebox';
import { annotationsOf, propertiesOf } from './annotations.ts';
import { type Camel, isRecord, toCamel } from './case.ts';
import { ConfigFile, DEFAULT_LAYERS, type Rendition } from './schema.ts';

/** The active config, complete and in the API's words. References name secrets; only an inline `callbacks.secret` is one. */
export type AppConfig = Camel<ConfigFile>;

/** `my-app` → `MY_APP`: the middle of the names under which an app's secrets are stored. */
export function slugOf(app: string): string {
  return app.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

/** Fills `{name}` and `{SLUG}` of a template. */
function fillTemplate(template: string, app: string): string {
  return template.replaceAll('{name}', app).replaceAll('{SLUG}', slugOf(app));
}

const references = {
  s3AccessKey: ['s3', 'access_key_env'],
  s3SecretKey: ['s3', 'secret_key_env'],
  callbackSecret: ['callbacks', 'secret_env'],
  mqttPassword: ['mqtt', 'password_env'],
} as const;

/** Names of the secrets of one app, e.g. `APP_LIVE_S3_KEY`: the only names that its config may hold. */
export function secretReferences(app: string): Record<keyof typeof references, string> {
  const named = Object.entries(references).map(([use, path]) => [use, defaultAt(path, app)]);
  return Object.fromEntries(named) as never;
}

/** The value that a missing key stands for. */
export function defaultOf(schema: TSchema, app: string): unknown {
  const marks = annotationsOf(schema);
  if (marks['x-template'] !== undefined) return fillTemplate(marks['x-template'], app);
  return structuredClone(marks.default);
}

function defaultAt(path: readonly string[], app: string): unknown {
  return defaultOf(schemaAt(path) as TSchema, app);
}

/** Schema of the key at a dotted path's parts; undefined when the path is not declared. */
export function schemaAt(path: readonly string[]): TSchema | undefined {
  let schema: TSchema | undefined = ConfigFile;
  for (const part of path) {
    const properties: Record<string, TSchema> | undefined = schema === undefined ? undefined : propertiesOf(schema);
    schema = properties !== undefined && Object.hasOwn(properties, part) ? properties[part] : undefined;
  }
  return schema;
}

function fill(schema: TSchema, value: unknown, app: string): unknown {
  const properties = propertiesOf(schema);
  if (properties === undefined) return value === undefined || value === null ? defaultOf(schema, app) : value;
  const given = isRecord(value) ? value : {};
  const filled: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(properties)) {
    if (annotationsOf(property)['x-ignored'] !== undefined) continue;
    const item = fill(property, Object.hasOwn(given, name) ? given[name] : undefined, app);
    if (item !== undefined) filled[name] = item;
  }
  return filled;
}

/** The complete file of a new app, every default filled in. */
export function defaultConfig(app: string): ConfigFile {
  return fill(ConfigFile, {}, app) as ConfigFile;
}

/** Fills the defaults into a parsed and validated file, and applies the rules that depend on several keys. */
export function completeConfig(value: Record<string, unknown>, app: string): AppConfig {
  const file = fill(ConfigFile, value, app) as ConfigFile;
  if (!isRecord(value['transcoding'])) file.transcoding.enabled = file.rtmp.transcode;
  if (file.webrtc.layers.length === 0) file.webrtc.layers = structuredClone([...DEFAULT_LAYERS]);
  file.transcoding.vod_renditions = usableRenditions(file.transcoding.vod_renditions);
  if (file.display_name.trim() === '') file.display_name = app;
  const config = toCamel(file);
  // the names of a provider's own settings are the provider's
  if (file.s3.options !== undefined) config.s3.options = file.s3.options as typeof config.s3.options;
  return config;
}

/** One rendition per height, highest first, five at most. */
function usableRenditions(list: readonly Rendition[]): Rendition[] {
  const byHeight = new Map<number, Rendition>();
  for (const item of list) if (!byHeight.has(item.height)) byHeight.set(item.height, item);
  return [...byHeight.values()].sort((a, b) => b.height - a.height).slice(0, 5);
}
