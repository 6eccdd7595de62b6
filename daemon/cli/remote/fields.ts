import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** As much of a JSON Schema as options are made of. */
export interface FieldSchema {
  type?: string;
  description?: string;
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  items?: FieldSchema;
  anyOf?: readonly FieldSchema[];
  properties?: Record<string, FieldSchema>;
  required?: readonly string[];
  patternProperties?: object;
  additionalProperties?: unknown;
}

/** `maxParticipants` and `public_url` as `max-participants` and `public-url`. `--url` is the address of the daemon. */
export const flagOf = (name: string): string =>
  (name === 'url' ? 'source' : name)
    .replaceAll('_', '-')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();

/** The key under which commander keeps an option of a field. */
export const keyOf = (name: string): string =>
  flagOf(name).replaceAll(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());

/** Adds the option for a field of a query or body. @param withNo a flag can also be turned off */
export function addField(
  command: Command,
  name: string,
  schema: FieldSchema,
  isRequired: boolean,
  withNo: boolean,
): void {
  const flag = flagOf(name);
  const given = plain(schema);
  const description = describe(schema, given);
  if (isFlag(given)) {
    if (given.default !== true || withNo) command.addOption(new Option(`--${flag}`, description));
    if (given.default === true || withNo)
      command.addOption(
        new Option(`--no-${flag}`, withNo ? `The opposite of --${flag}.` : `Not ${flag.replaceAll('-', ' ')}.`),
      );
    // commander would turn an absent option on because a --no- exists
    command.setOptionValue(keyOf(name), undefined);
    return;
  }
  const option = new Option(`--${flag} <${placeholder(given)}>`, description);
  if (given.enum !== undefined) option.choices(given.enum.map(String));
  else option.argParser(parserOf(given));
  command.addOption(option.makeOptionMandatory(isRequired));
}

/** Reads the text of an argument as the field wants it. */
export const parseField = (schema: FieldSchema, text: string): unknown => parserOf(plain(schema))(text, undefined);

/** What the field is without `null`. */
function plain(schema: FieldSchema): FieldSchema {
  const inner = schema.anyOf?.find((one) => one.type !== 'null');
  return inner === undefined
    ? schema
    : { ...inner, ...(schema.description ? { description: schema.description } : {}) };
}

export const isFlag = (schema: FieldSchema): boolean =>
  schema.type === 'boolean' || (schema.enum?.includes('true') === true && schema.enum.includes('false'));

function placeholder({ type, items, properties, patternProperties }: FieldSchema): string {
  if (type === 'integer' || type === 'number') return 'n';
  if (type === 'array') return items?.type === 'object' ? 'json' : 'text';
  if (patternProperties !== undefined) return 'name=value';
  return type === 'object' || properties !== undefined ? 'json' : 'text';
}

function parserOf(schema: FieldSchema): (text: string, before: unknown) => unknown {
  const { type, items, patternProperties, minimum, maximum } = schema;
  if (type === 'integer' || type === 'number')
    return (text) => {
      const value = Number(text);
      const isWrong = text.trim() === '' || !Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value));
      if (isWrong)
        throw new InvalidArgumentError(type === 'integer' ? 'It must be a whole number.' : 'It must be a number.');
      if (minimum !== undefined && value < minimum) throw new InvalidArgumentError(`It must be ${minimum} or more.`);
      if (maximum !== undefined && value > maximum) throw new InvalidArgumentError(`It must be ${maximum} or less.`);
      return value;
    };
  if (type === 'array' && items?.type !== 'object')
    return (text, before) => [...((before as unknown[] | undefined) ?? []), text];
  if (patternProperties !== undefined)
    return (text, before) => {
      const at = text.indexOf('=');
      if (at < 1) throw new InvalidArgumentError('It must be name=value.');
      return { ...(before as object | undefined), [text.slice(0, at)]: scalar(text.slice(at + 1)) };
    };
  if (type === 'object' || type === 'array')
    return (text) => {
      try {
        return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
      } catch (error) {
        throw new InvalidArgumentError(`It must be JSON, or @FILE with JSON: ${(error as Error).message}`);
      }
    };
  return (text) => text;
}

/** `true`, `12` and `text` as a boolean, a number and a text. */
export function scalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

function describe(schema: FieldSchema, given: FieldSchema): string {
  const notes = [
    given.type === 'array' && given.items?.type !== 'object' ? 'Repeat it for more.' : '',
    given.default !== undefined && given.default !== true && given.default !== false
      ? `Default: ${String(given.default)}.`
      : '',
  ];
  const text = (schema.description ?? given.description ?? '').replaceAll('`', '');
  return [text, ...notes.filter((note) => note !== '' && !text.includes(note))].join(' ').trim();
}
