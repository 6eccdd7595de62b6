import type { TSchema } from 'typebox';
import { annotationsOf, propertiesOf } from '#shared/config/annotations.ts';
import { ConfigFile } from '#shared/config/schema.ts';

/** Blocks and keys that the plan does not read, and who does. */
export const READ_ELSEWHERE: Record<string, string> = {
  name: 'the registry',
  display_name: 'pages and lists',
  room_prefix: 'the registry',
  analytics: 'media/sessions',
  s3: 'storage, shared/config/storage tests',
  callbacks: 'media/callbacks',
  'mqtt.password_env': 'the secret store',
  'transcoding.hwaccel': 'resolveHwaccel, which gives the plan its fact',
};

/** Settings under which a key of a block that is off by default acts. */
export const ACTIVE: Record<string, Record<string, unknown>> = {
  mqtt: { enabled: true, url: 'mqtt://broker.example.com', logs: { enabled: true } },
  latency_alert: { enabled: true },
  transcoding: { enabled: true, vod_adaptive: true },
  distribution: { mode: 'cdn', cdn: { base_url: 'https://cdn.example.com' } },
  hls: {},
};

function leaves(schema: TSchema, path: string[] = []): [string[], TSchema][] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, property]) => {
    if (annotationsOf(property)['x-ignored'] !== undefined) return [];
    const here = [...path, name];
    return propertiesOf(property) === undefined ? [[here, property] as [string[], TSchema]] : leaves(property, here);
  });
}

/** Another value that the schema allows. */
function otherValue(schema: TSchema, current: unknown): unknown {
  const { type, enum: choices, minimum } = annotationsOf(schema) as Record<string, unknown> & { enum?: unknown[] };
  if (choices !== undefined) return choices.findLast((choice) => choice !== current);
  if (type === 'boolean') return current !== true;
  if (type === 'integer' || type === 'number')
    return current === undefined ? Math.max(1, Number(minimum)) : Number(current) + 1;
  if (type === 'array') {
    const items = (schema as unknown as { items: TSchema }).items;
    if (propertiesOf(items) === undefined) return ['stream_started'];
    return 'name' in (propertiesOf(items) ?? {})
      ? [{ name: 'only', height: 400 }]
      : [{ height: 400, bitrate_kbps: 700 }];
  }
  return 'https://other.example.com';
}

function withValue(base: Record<string, unknown>, path: string[], value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path;
  const inner = (base[name] ?? {}) as Record<string, unknown>;
  return { ...base, [name]: rest.length === 0 ? value : withValue(inner, rest, value) };
}

function withDefaults(base: Record<string, unknown>): Record<string, unknown> {
  const fill = (schema: TSchema, value: unknown): unknown => {
    const properties = propertiesOf(schema);
    if (properties === undefined) return value === undefined ? annotationsOf(schema).default : value;
    const given = (value ?? {}) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, fill(inner, given[name])]));
  };
  return fill(ConfigFile, base) as Record<string, unknown>;
}

/** Each key of config.yaml that the delivery plan reads, with a config in which only that key differs from `ACTIVE`. */
export function changedKeys(): { key: string; changed: Record<string, unknown> }[] {
  return leaves(ConfigFile).flatMap(([path, schema]) => {
    const key = path.join('.');
    if (READ_ELSEWHERE[key] !== undefined || READ_ELSEWHERE[path[0] as string] !== undefined) return [];
    const current = path.reduce<unknown>(
      (at, part) => (at as Record<string, unknown> | undefined)?.[part],
      withDefaults(ACTIVE),
    );
    return [{ key, changed: withValue(ACTIVE, path, otherValue(schema, current)) }];
  });
}
