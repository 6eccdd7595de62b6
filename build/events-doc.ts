import { eventKinds } from '#shared/schema/event-payloads.ts';
import { EVENT_TYPES } from '#shared/schema/events.ts';

interface Shape {
  title?: string;
  type?: string;
  enum?: readonly string[];
  anyOf?: readonly Shape[];
  items?: Shape;
  description?: string;
  format?: string;
  properties?: Readonly<Record<string, Shape>>;
  required?: readonly string[];
}

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ').trim();
const code = (text: string): string => `\`${text}\``;

/** docs/events.md: every type of event with its topic and the fields of its `data`. */
export function eventsDoc(): string {
  return `# Events

\`GET /api/v1/events\` streams everything that happens, as server-sent events. [api.md](api.md) says how to read and resume the stream.
Each message is JSON: \`{id, ts, topic, type, app?, actor?, data}\`. This page lists the types, and what \`data\` is for each.

A field with \`?\` can be absent. Later versions may add fields and types: pass over those that you don't know. The OpenAPI document has the same as \`Event\`.

${eventKinds().map(section).join('\n\n')}
`;
}

function section({ name, types, data }: ReturnType<typeof eventKinds>[number]): string {
  const rows = types.map((type) => `- ${code(type)} (topic ${code(EVENT_TYPES[type])})`);
  return `## ${name}\n\n${rows.join('\n')}\n\n${fields(data as unknown as Shape)}`;
}

function fields(shape: Shape): string {
  const rows = [...rowsOf(shape, '')];
  if (rows.length === 0) return '`data` is empty.';
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function* rowsOf({ properties = {}, required = [] }: Shape, before: string): Generator<string> {
  for (const [key, field] of Object.entries(properties)) {
    const name = `${before}${key}`;
    const inner = innerOf(field);
    yield `| ${code(name)}${required.includes(key) ? '' : '?'} | ${cell(typeOf(field))} | ${cell(field.description ?? inner.description ?? '')} |`;
    if (inner.properties) yield* rowsOf(inner, `${name}${isList(field) ? '[]' : ''}.`);
  }
}

const notNull = (shape: Shape): Shape => shape.anyOf?.find(({ type }) => type !== 'null') ?? shape;
const isList = (shape: Shape): boolean => notNull(shape).items !== undefined;
const innerOf = (shape: Shape): Shape => notNull(notNull(shape).items ?? notNull(shape));

function typeOf(shape: Shape): string {
  if (shape.anyOf) return shape.anyOf.map(typeOf).join(' or ');
  if (shape.items) return `list of ${typeOf(shape.items)}`;
  if (shape.enum && shape.enum.length <= 10) return shape.enum.map(code).join(', ');
  return shape.format === 'date-time' ? 'instant' : (shape.type ?? 'any');
}
