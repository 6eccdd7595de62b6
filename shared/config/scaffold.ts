import type { TSchema } from 'typebox';
import { annotationsOf, propertiesOf } from './annotations.ts';
import { isRecord } from './case.ts';
import { defaultConfig } from './defaults.ts';
import { ConfigFile } from './schema.ts';
import { flowText } from './write-yaml.ts';

const COMMENT_COLUMN = 44;

function limitsOf(schema: TSchema): string {
  const {
    minimum,
    maximum,
    enum: choices,
  } = annotationsOf(schema) as { minimum?: number; maximum?: number; enum?: unknown[] };
  if (choices !== undefined) return ` (${choices.join(', ')})`;
  if (minimum !== undefined && maximum !== undefined) return ` (${minimum}..${maximum})`;
  return '';
}

function renderKey(name: string, schema: TSchema, value: unknown, indent: string): string[] {
  const comment = `# ${annotationsOf(schema).description}${limitsOf(schema)}`;
  if (Array.isArray(value) && value.some(isRecord)) {
    return [
      `${`${indent}${name}:`.padEnd(COMMENT_COLUMN)} ${comment}`,
      ...value.map((item) => `${indent}  - ${flowText(item, true)}`),
    ];
  }
  const line = `${indent}${name}: ${flowText(value, false)}`;
  return line.length > COMMENT_COLUMN ? [indent + comment, line] : [`${line.padEnd(COMMENT_COLUMN)} ${comment}`];
}

function renderBlock(schema: TSchema, values: Record<string, unknown>, indent: string): string[] {
  const lines: string[] = [];
  for (const [name, property] of Object.entries(propertiesOf(schema) ?? {})) {
    const value = values[name];
    if (annotationsOf(property)['x-written'] === false || value === undefined) continue;
    if (propertiesOf(property) === undefined) {
      lines.push(...renderKey(name, property, value, indent));
      continue;
    }
    if (indent === '') lines.push('', `# ${annotationsOf(property).description}`);
    lines.push(`${indent}${name}:`, ...renderBlock(property, value as Record<string, unknown>, `${indent}  `));
  }
  return lines;
}

/** Text of a new app's config.yaml: every usual key with its default and a word about it. */
export function renderDefaultConfig(app: string, options: { displayName?: string; roomPrefix?: string } = {}): string {
  const values = defaultConfig(app);
  if (options.displayName !== undefined) values.display_name = options.displayName;
  if (options.roomPrefix !== undefined) values.room_prefix = options.roomPrefix;
  const head = [
    `# StreamHub: configuration of the app ${app}.`,
    '# Edit it by hand, in the desktop, or with the API. Comments, order and your own keys are kept.',
    '# A missing key has the default shown here. Keys that begin with x- are yours.',
    '',
  ];
  return `${[...head, ...renderBlock(ConfigFile, values, '')].join('\n')}\n`;
}
