import type { TSchema } from 'typebox';
import { annotationsOf, propertiesOf } from '#shared/config/annotations.ts';
import { ConfigFile } from '#shared/config/schema.ts';

const cell = (text: string): string => text.replace(/\|/g, '\\|');
const EFFECT = { hot: 'immediately', reopen: 'with a new connection', next: 'with the next stream or recording' };

function allowed(schema: TSchema): string {
  const {
    type,
    minimum,
    maximum,
    maxLength,
    maxItems,
    enum: choices,
    ...marks
  } = annotationsOf(schema) as Record<string, never>;
  if (choices) return (choices as string[]).map((choice) => `\`${choice}\``).join(' ');
  if (marks['x-reference']) return 'this name only';
  if (marks['x-hint']) return cell(marks['x-hint']);
  if (type === 'boolean') return 'true, false';
  if (type === 'array') return `list, at most ${maxItems}`;
  if (minimum !== undefined) {
    const unit = marks['x-unit'] ? ` ${marks['x-unit']}` : '';
    return `${type === 'integer' ? 'whole number ' : ''}${maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`}${unit}`;
  }
  return type === 'object' ? 'keys of the provider' : `text, at most ${maxLength} characters`;
}

function fallback(schema: TSchema): string {
  const { default: value, 'x-template': template } = annotationsOf(schema);
  const shown = template?.replace('{name}', '<name>').replace('{SLUG}', '<NAME>') ?? value;
  if (shown === undefined) return '';
  return shown === '' ? 'empty' : `\`${typeof shown === 'string' ? shown : JSON.stringify(shown)}\``;
}

function rows(schema: TSchema, path: string): string[] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, property]) => {
    const here = path === '' ? name : `${path}.${name}`;
    if (propertiesOf(property) !== undefined) return rows(property, here);
    const marks = annotationsOf(property);
    if (marks['x-ignored']) return [`| \`${here}\` | | | not read: ${cell(marks['x-ignored'])} | |`];
    const effect = EFFECT[marks['x-reload'] ?? 'hot'];
    return [
      `| \`${here}\` | ${allowed(property)} | ${fallback(property)} | ${cell(marks.description ?? '')} | ${effect} |`,
    ];
  });
}

/** Reference of config.yaml, from its schema. */
export function configReference(): string {
  const keys = Object.entries(ConfigFile.properties);
  const plain = keys.filter(([, schema]) => propertiesOf(schema) === undefined);
  const blocks = keys.filter(([, schema]) => propertiesOf(schema) !== undefined);
  const table = (lines: string[]): string =>
    `| key | allowed | default | meaning | takes effect |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  return `# config.yaml

\`apps/<name>/config.yaml\` is the source of truth for one app. It is YAML 1.2: only \`true\` and \`false\` are booleans, and \`yes\`, \`no\`, \`on\` and
\`off\` are text. A missing key has its default. Unknown keys are kept and have no effect. The validator warns about them, except below names that
start with \`x-\`. \`<NAME>\` is the app's name in upper case, with \`_\` instead of dashes.

A config may have 100,000 characters, 32 levels, 100 aliases and 20,000 values. It is one document without custom tags.

You can edit the file by hand, and the change applies immediately. If it isn't valid, the last valid config stays active, and
\`GET /apps/<name>/config/raw\` says why. Before each change the old text is saved as \`config.yaml.bak.<time>\`; the newest 20 are kept.

${table(plain.flatMap(([name, schema]) => rows({ properties: { [name]: schema } } as never, '')))}
${blocks.map(([name, schema]) => `## ${name}\n\n${annotationsOf(schema).description}\n\n${table(rows(schema, name))}`).join('\n')}`;
}
