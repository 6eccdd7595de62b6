import { ActionIcon, Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import type {
  BaseInputTemplateProps,
  FieldProps,
  FieldTemplateProps,
  ObjectFieldTemplateProps,
  RJSFSchema,
  WidgetProps,
} from '@rjsf/utils';
import { IconArrowBackUp, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { NumberField } from '../../ui/form/number-field.tsx';
import type { SchemaFormLook } from '../../ui/form/schema-form.tsx';
import { ticked, unticked } from '../../ui/words/ticks.tsx';
import classes from './config.module.css';
import type { SchemaNode } from './schema-nodes.ts';

/** `field-recording.enabled`: the key of the config is part of the id. */
const idOf = (id: string): string => id.replace('.', '-');
const nodeOf = (schema: RJSFSchema): SchemaNode => schema as unknown as SchemaNode;
/** Words that people write in another way than keys do. */
const SPELLINGS: Readonly<Record<string, string>> = {
  webrtc: 'WebRTC',
  rtmp: 'RTMP',
  mqtt: 'MQTT',
  hls: 'HLS',
  cdn: 'CDN',
  s3: 'S3',
  url: 'URL',
  id: 'ID',
  ids: 'IDs',
  ttl: 'TTL',
  tls: 'TLS',
  qos: 'QoS',
  rtc: 'RTC',
  turn: 'TURN',
  tcp: 'TCP',
  udp: 'UDP',
  ip: 'IP',
  kbps: 'kbps',
  vod: 'VOD',
  vods: 'VODs',
};
const words = (key: string): string => {
  const parts = key.split('_').map((part) => SPELLINGS[part] ?? part);
  const text = parts.join(' ');
  return SPELLINGS[key.split('_')[0] ?? ''] ? text : text.charAt(0).toUpperCase() + text.slice(1);
};

/** A key with its description, its control, and the way back to its default. */
function Field({ id, schema, formData, fieldPathId, onChange, children }: FieldTemplateProps) {
  const node = nodeOf(schema);
  if (node.type === 'object') return children;
  const dotted = fieldPathId.path.join('.');
  const isOther =
    formData !== undefined &&
    node['x-template'] === undefined &&
    node.default !== undefined &&
    JSON.stringify(formData) !== JSON.stringify(node.default);
  return (
    <div className={classes.field}>
      <label htmlFor={idOf(id)} className={classes.fieldName} title={node.description && unticked(node.description)}>
        {node.description === undefined ? words(String(fieldPathId.path.at(-1) ?? '')) : ticked(node.description)}
        <code>{dotted}</code>
      </label>
      <div className={classes.control}>
        {children}
        {isOther ? (
          <ActionIcon
            size="xs"
            aria-label={`Set ${dotted} back to its default`}
            title={`Default: ${JSON.stringify(node.default)}`}
            onClick={() => onChange(node.default, fieldPathId.path, undefined, id)}
          >
            <IconArrowBackUp size={14} />
          </ActionIcon>
        ) : null}
      </div>
    </div>
  );
}

/** A block of keys; those that stand in no block are the app's own. */
function Block({ schema, properties, fieldPathId, disabled }: ObjectFieldTemplateProps) {
  const node = nodeOf(schema);
  const name = fieldPathId.path.at(-1);
  if (name === undefined) {
    const isBlock = ({ name: key }: { name: string }) => node.properties?.[key]?.type === 'object';
    const own = properties.filter((one) => !isBlock(one));
    return (
      <>
        {own.length > 0 ? (
          <fieldset className={classes.group} disabled={disabled}>
            <legend>{node.title}</legend>
            {own.map(({ content }) => content)}
          </fieldset>
        ) : null}
        {properties.filter(isBlock).map(({ content }) => content)}
      </>
    );
  }
  const title = words(String(name));
  return (
    <fieldset className={classes.group} disabled={disabled}>
      <legend>{title}</legend>
      {node.description && node.description !== `${title}.` ? (
        <p className={classes.groupNote}>{ticked(node.description)}</p>
      ) : null}
      {properties.map(({ content }) => content)}
    </fieldset>
  );
}

function Input({ id, schema, value, onChange }: BaseInputTemplateProps) {
  const node = nodeOf(schema);
  if (node.type === 'integer' || node.type === 'number')
    return <ConfigNumber id={idOf(id)} w={150} node={node} value={value} onChange={onChange} />;
  return (
    <TextInput
      id={idOf(id)}
      w="100%"
      value={typeof value === 'string' ? value : ''}
      onChange={(event) => onChange(event.currentTarget.value)}
      {...(node.maxLength === undefined ? {} : { maxLength: node.maxLength })}
    />
  );
}

function ConfigNumber({
  node,
  value,
  onChange,
  ...rest
}: {
  node: SchemaNode;
  value: unknown;
  onChange: (value: number) => void;
  w: number;
  id?: string;
  'aria-label'?: string;
}) {
  return (
    <NumberField
      {...rest}
      value={typeof value === 'number' ? value : undefined}
      onChange={onChange}
      allowDecimal={node.type === 'number'}
      {...(node.minimum === undefined ? {} : { min: node.minimum })}
      {...(node.maximum === undefined ? {} : { max: node.maximum })}
      suffix={node['x-unit'] ? ` ${node['x-unit']}` : ''}
      clampBehavior="blur"
    />
  );
}

const SwitchWidget = ({ id, value, onChange }: WidgetProps) => (
  <Switch id={idOf(id)} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
);

function SelectWidget({ id, value, schema, onChange }: WidgetProps) {
  const choices = schema.enum ?? [];
  const unset = value === undefined && schema.default === undefined ? [{ value: '', label: 'not set' }] : [];
  return (
    <NativeSelect
      id={idOf(id)}
      data={[...unset, ...choices.map((one) => ({ value: String(one), label: String(one) }))]}
      value={value === undefined ? '' : String(value)}
      onChange={(event) => onChange(choices.find((one) => String(one) === event.currentTarget.value))}
    />
  );
}

/** A list of words in one line, or a short list of objects such as the simulcast layers. */
function ListField({ schema, formData, fieldPathId, onChange }: FieldProps) {
  const node = nodeOf(schema);
  const set = (next: unknown): void => onChange(next, fieldPathId.path, undefined, fieldPathId.$id);
  const id = idOf(fieldPathId.$id);
  if (node.items?.properties) return <Rows id={id} node={node} value={formData} onSet={set} />;
  return <Words id={id} words={Array.isArray(formData) ? formData.map(String) : []} onSet={set} />;
}

/** While one types, the text stays as it was typed: a comma at its end begins the next word. */
function Words({ id, words: set, onSet }: { id: string; words: readonly string[]; onSet: (words: string[]) => void }) {
  const [typed, setTyped] = useState<string>();
  return (
    <TextInput
      id={id}
      w="100%"
      value={typed ?? set.join(', ')}
      onChange={({ currentTarget: { value } }) => {
        setTyped(value);
        onSet(
          value
            .split(',')
            .map((one) => one.trim())
            .filter(Boolean),
        );
      }}
      onBlur={() => setTyped(undefined)}
    />
  );
}

interface RowsProps {
  id: string;
  node: SchemaNode;
  value: unknown;
  onSet: (rows: Record<string, unknown>[]) => void;
}

function Rows({ id, node, value, onSet }: RowsProps) {
  const rows = Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
  const columns = Object.entries(node.items?.properties ?? {});
  const change = (index: number, key: string, next: unknown): void =>
    onSet(rows.map((row, at) => (at === index ? { ...row, [key]: next } : row)));
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
              <ConfigNumber
                key={key}
                w={120}
                aria-label={`${key} ${index + 1}`}
                node={child}
                value={row[key]}
                onChange={(next) => change(index, key, next)}
              />
            ),
          )}
          <ActionIcon
            size="xs"
            aria-label={`Remove row ${index + 1}`}
            onClick={() => onSet(rows.filter((_row, at) => at !== index))}
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
          onClick={() => onSet([...rows, blank])}
        >
          Add a row
        </Button>
      </div>
    </div>
  );
}

/** How the config's form looks: a key in a line, its words at the left. */
export const formLook: SchemaFormLook = {
  templates: { FieldTemplate: Field, ObjectFieldTemplate: Block, BaseInputTemplate: Input },
  widgets: { CheckboxWidget: SwitchWidget, SelectWidget },
  fields: { ArrayField: ListField },
};
