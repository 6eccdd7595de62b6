import { useMemo, useState } from 'react';
import { rewriteConfig } from '#shared/config/edit.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { own, put, unshared } from '#shared/config/values.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import SchemaForm from '../../ui/form/schema-form.tsx';
import classes from './config.module.css';
import { formLook } from './form-look.tsx';
import type { SchemaNode } from './schema-nodes.ts';

/** Blocks of the config that the form shows, in this order; the rest is for the text. */
const BLOCKS = [
  'recording',
  'webrtc',
  'rtmp',
  'transcoding',
  'callbacks',
  'features',
  'player',
  'latency_alert',
  'analytics',
  'mqtt',
  'hls',
  'distribution',
];

interface Props {
  text: string;
  onChange: (text: string) => void;
  schema: SchemaNode | undefined;
  isReadOnly: boolean;
  /** Only these blocks; all that a form shows unless given. */
  blocks?: readonly string[] | undefined;
  /** Of the keys that stand in no block. */
  heading?: string;
}

/** The common keys as fields. Each change is made in the text itself, in place: comments and everything else stay. */
export function FormView({ text, onChange, schema, isReadOnly, blocks, heading = 'App' }: Props) {
  const parsed = useMemo(() => parseConfig(text), [text]);
  const shown = useMemo(() => shownSchema(schema, blocks, heading), [schema, blocks, heading]);
  const [refusal, setRefusal] = useState<string>();
  if (parsed.value === null) {
    return (
      <div className={classes.form}>
        <Notice tone="danger" title="The form needs valid YAML">
          <p>{parsed.errors[0]?.message}</p>
        </Notice>
      </div>
    );
  }
  const value = parsed.value;
  const set = (path: readonly string[], next: unknown): void => {
    try {
      setRefusal(undefined);
      onChange(rewriteConfig(parsed, withValue(value, path, next)).text);
    } catch (error) {
      setRefusal((error as Error).message);
    }
  };
  return (
    <div className={classes.form}>
      {refusal ? <Notice tone="warn" title={refusal} /> : null}
      <SchemaForm
        name="field"
        look={formLook}
        schema={shown as never}
        value={value}
        isDisabled={isReadOnly}
        // only what a person changed is written: the form fills in defaults, which the text need not have
        onChange={(next, _isValid, path) => {
          if (path) set(path, valueAt(next, path));
        }}
      />
    </div>
  );
}

/** The part of the config's schema that the form shows. */
function shownSchema(
  schema: SchemaNode | undefined,
  blocks: readonly string[] | undefined,
  heading: string,
): SchemaNode {
  const top = schema?.properties ?? {};
  const names = [
    ...(blocks ? [] : ['display_name', 'room_prefix']),
    ...(blocks ?? BLOCKS.filter((name) => top[name]?.properties)),
  ];
  return {
    type: 'object',
    title: heading,
    properties: Object.fromEntries(names.flatMap((name) => (top[name] ? [[name, shownNode(top[name])]] : []))),
  };
}

/** A node with what the fields need of it; alternatives of types are left to the text. */
function shownNode(node: SchemaNode): SchemaNode {
  const { required: _required, pattern: _pattern, ...rest } = node;
  const { description, default: fallback, enum: choices, minimum, maximum, maxLength, maxItems } = rest;
  const type = [node.type ?? 'string'].flat()[0] as string;
  const properties = node.properties
    ? Object.entries(node.properties).filter(
        ([, child]) => !child['x-ignored'] && !child['x-reference'] && !child['x-secret'],
      )
    : undefined;
  const kept = {
    description,
    default: fallback,
    enum: choices,
    minimum,
    maximum,
    maxLength,
    maxItems,
    'x-unit': node['x-unit'],
    'x-template': node['x-template'],
    items: node.items ? shownNode(node.items) : undefined,
    properties: properties
      ? Object.fromEntries(properties.map(([name, child]) => [name, shownNode(child)]))
      : undefined,
  };
  return { type, ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) };
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? own(at as object, key) : undefined),
    value,
  );

/** The value with one key set; an undefined value takes the key away. */
function withValue(value: Record<string, unknown>, path: readonly string[], next: unknown): Record<string, unknown> {
  const copy = unshared(value);
  let at: Record<string, unknown> = copy;
  for (const key of path.slice(0, -1)) {
    const child = own(at, key);
    if (typeof child !== 'object' || child === null || Array.isArray(child)) put(at, key, {});
    at = own(at, key) as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (next === undefined) delete at[last];
  else put(at, last, next);
  return copy;
}
