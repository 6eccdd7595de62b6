import { ActionIcon, Button, NativeSelect, NumberInput, Switch, TextInput } from '@mantine/core';
import { IconArrowBackUp, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { rewriteConfig } from '#shared/config/edit.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { own, put, unshared } from '#shared/config/values.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import classes from './config.module.css';
import type { SchemaNode } from './schema-nodes.ts';

/** Blocks of the config that the form shows, in this order; the rest is for the text. */
const BLOCKS = [
  'recording',
  'webrtc',
  'rtmp',
  'transcoding',
  'callbacks',
  'features',
  'latency_alert',
  'mqtt',
  'hls',
  'distribution',
];

interface Props {
  text: string;
  onChange: (text: string) => void;
  schema: SchemaNode | undefined;
  isReadOnly: boolean;
}

/** The common keys as fields. Each change is made in the text itself, in place: comments and everything else stay. */
export function FormView({ text, onChange, schema, isReadOnly }: Props) {
  const parsed = useMemo(() => parseConfig(text), [text]);
  const [refusal, setRefusal] = useState<string>();
  if (parsed.value === null) {
    return (
      <div className={classes.form}>
        <Notice tone="danger" title="The form needs a text that can be read as YAML">
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
  const top = schema?.properties ?? {};
  return (
    <div className={classes.form}>
      {refusal ? <Notice tone="warn" title={refusal} /> : null}
      <fieldset className={classes.group} disabled={isReadOnly}>
        <legend>App</legend>
        {(['display_name', 'room_prefix'] as const).map((key) =>
          top[key] ? <Field key={key} path={[key]} node={top[key]} value={own(value, key)} onSet={set} /> : null,
        )}
      </fieldset>
      {BLOCKS.flatMap((name) => {
        const block = top[name];
        return block?.properties
          ? [
              <Block
                key={name}
                path={[name]}
                node={block}
                value={own(value, name)}
                onSet={set}
                isReadOnly={isReadOnly}
              />,
            ]
          : [];
      })}
    </div>
  );
}

interface NodeProps {
  path: readonly string[];
  node: SchemaNode;
  value: unknown;
  onSet: (path: readonly string[], value: unknown) => void;
}

function Block({ path, node, value, onSet, isReadOnly }: NodeProps & { isReadOnly: boolean }) {
  const fields = Object.entries(node.properties ?? {}).filter(
    ([, child]) => !child['x-ignored'] && !child['x-reference'] && !child['x-secret'],
  );
  return (
    <fieldset className={classes.group} disabled={isReadOnly}>
      <legend>{words(path.at(-1) ?? '')}</legend>
      {node.description && node.description !== `${words(path.at(-1) ?? '')}.` ? (
        <p className={classes.groupNote}>{node.description}</p>
      ) : null}
      {fields.map(([key, child]) => {
        const props = { path: [...path, key], node: child, value: own(value, key), onSet };
        return child.properties ? (
          <Block key={key} {...props} isReadOnly={isReadOnly} />
        ) : (
          <Field key={key} {...props} />
        );
      })}
    </fieldset>
  );
}

function Field({ path, node, value, onSet }: NodeProps) {
  const dotted = path.join('.');
  const id = `field-${dotted}`;
  return (
    <div className={classes.field}>
      <label htmlFor={id} className={classes.fieldName} title={node.description}>
        {node.description ?? words(path.at(-1) ?? '')}
        <code>{dotted}</code>
      </label>
      <div className={classes.control}>
        <Control id={id} path={path} node={node} value={value} onSet={onSet} />
        {value !== undefined &&
        node['x-template'] === undefined &&
        node.default !== undefined &&
        JSON.stringify(value) !== JSON.stringify(node.default) ? (
          <ActionIcon
            size="xs"
            aria-label={`Set ${dotted} back to its default`}
            title={`Default: ${JSON.stringify(node.default)}`}
            onClick={() => onSet(path, node.default)}
          >
            <IconArrowBackUp size={14} />
          </ActionIcon>
        ) : null}
      </div>
    </div>
  );
}

function Control({ id, path, node, value, onSet }: NodeProps & { id: string }) {
  const shown = value === undefined ? node.default : value;
  if (node.type === 'boolean') {
    return <Switch id={id} checked={shown === true} onChange={(event) => onSet(path, event.currentTarget.checked)} />;
  }
  if (node.enum) {
    const unset = value === undefined && node.default === undefined ? [{ value: '', label: 'not set' }] : [];
    return (
      <NativeSelect
        id={id}
        data={[...unset, ...node.enum.map((one) => ({ value: String(one), label: String(one) }))]}
        value={shown === undefined ? '' : String(shown)}
        onChange={(event) => onSet(path, event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
      />
    );
  }
  if (node.type === 'integer' || node.type === 'number') {
    return (
      <NumberInput
        id={id}
        w={150}
        value={typeof shown === 'number' ? shown : ''}
        onChange={(next) => typeof next === 'number' && onSet(path, next)}
        allowDecimal={node.type === 'number'}
        {...(node.minimum === undefined ? {} : { min: node.minimum })}
        {...(node.maximum === undefined ? {} : { max: node.maximum })}
        suffix={node['x-unit'] ? ` ${node['x-unit']}` : ''}
        clampBehavior="blur"
      />
    );
  }
  if (node.items?.properties) return <Rows id={id} path={path} node={node} value={shown} onSet={onSet} />;
  if (node.type === 'array') {
    const list = Array.isArray(shown) ? shown.map(String) : [];
    return (
      <TextInput
        id={id}
        w="100%"
        value={list.join(', ')}
        onChange={(event) =>
          onSet(
            path,
            event.currentTarget.value
              .split(',')
              .map((one) => one.trim())
              .filter(Boolean),
          )
        }
      />
    );
  }
  return (
    <TextInput
      id={id}
      w="100%"
      value={typeof shown === 'string' ? shown : ''}
      onChange={(event) => onSet(path, event.currentTarget.value)}
      {...(node.maxLength === undefined ? {} : { maxLength: node.maxLength })}
    />
  );
}

/** A short list of objects, such as the simulcast layers. */
function Rows({ id, path, node, value, onSet }: NodeProps & { id: string }) {
  const rows = Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
  const columns = Object.entries(node.items?.properties ?? {});
  const change = (index: number, key: string, next: unknown): void => {
    onSet(
      path,
      rows.map((row, at) => (at === index ? { ...row, [key]: next } : row)),
    );
  };
  const blank = Object.fromEntries(
    columns.map(([key, child]) => [key, child.minimum ?? (child.type === 'string' ? `${key}-${rows.length + 1}` : 0)]),
  );
  return (
    <div id={id} className="stack" style={{ gap: 6 }}>
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rungs have no other name
        <div key={index} className="row">
          {columns.map(([key, child]) =>
            child.type === 'string' ? (
              <TextInput
                key={key}
                w={110}
                aria-label={`${key} ${index + 1}`}
                value={String(row[key] ?? '')}
                onChange={(event) => change(index, key, event.currentTarget.value)}
              />
            ) : (
              <NumberInput
                key={key}
                w={120}
                aria-label={`${key} ${index + 1}`}
                value={typeof row[key] === 'number' ? row[key] : ''}
                onChange={(next) => typeof next === 'number' && change(index, key, next)}
                allowDecimal={false}
                suffix={child['x-unit'] ? ` ${child['x-unit']}` : ''}
                {...(child.minimum === undefined ? {} : { min: child.minimum })}
                {...(child.maximum === undefined ? {} : { max: child.maximum })}
                clampBehavior="blur"
              />
            ),
          )}
          <ActionIcon
            size="xs"
            aria-label={`Remove row ${index + 1}`}
            onClick={() =>
              onSet(
                path,
                rows.filter((_row, at) => at !== index),
              )
            }
          >
            <IconTrash size={14} />
          </ActionIcon>
        </div>
      ))}
      <div>
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconPlus size={13} />}
          disabled={rows.length >= (node.maxItems ?? Number.POSITIVE_INFINITY)}
          onClick={() => onSet(path, [...rows, blank])}
        >
          Add a row
        </Button>
      </div>
    </div>
  );
}

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

const words = (key: string): string => {
  const text = key.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};
