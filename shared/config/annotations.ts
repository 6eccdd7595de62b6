import { type TSchema, type TStringOptions, Type } from 'typebox';

/**
 * When a changed value takes effect: `hot` with the next request, `reopen` once the S3 or MQTT connection was opened again,
 * `next` with the next stream or recording; what runs is left alone.
 */
export type ReloadMode = 'hot' | 'reopen' | 'next';

/** JSON Schema annotations of a config.yaml key. */
export interface KeyAnnotations {
  /** One line: the comment of a new file, the label of a form, the documentation. */
  description: string;
  'x-reload'?: ReloadMode;
  /** Unit of a number. */
  'x-unit'?: string;
  /** The value is a secret: it is masked for everyone who may not write the config, and in every diff. */
  'x-secret'?: true;
  /** The key is accepted, has no effect, and this says what to use instead. */
  'x-ignored'?: string;
  /** Values that a form offers first. */
  'x-usual'?: readonly number[];
  /** What is allowed, in words, where a pattern or format would not read well. */
  'x-hint'?: string;
  /** A default that depends on the app: `{name}` and `{SLUG}` are filled in. */
  'x-template'?: string;
  /** Name of a stored secret; the only accepted value is the app's own `x-template`. */
  'x-reference'?: true;
  /** False: the key is not part of a new app's file. */
  'x-written'?: boolean;
}

type Limits = Record<string, unknown>;

const text = (options: KeyAnnotations & Limits) => Type.String(options as TStringOptions);
const flag = (value: boolean, options: KeyAnnotations) => Type.Boolean({ default: value, ...options });
const whole = (value: number, options: KeyAnnotations & Limits) => Type.Integer({ default: value, ...options });
const amount = (value: number, options: KeyAnnotations & Limits) => Type.Number({ default: value, ...options });
const choice = <const V extends string>(values: readonly V[], value: V, options: KeyAnnotations & Limits) =>
  Type.Unsafe<V>({ type: 'string', enum: [...values], default: value, ...options });
/** The name of a stored secret; its value never enters the file. */
const reference = (template: string, options: KeyAnnotations) =>
  text({ maxLength: 255, 'x-template': template, 'x-reference': true, 'x-reload': 'reopen', ...options });
/** A key that looks right, and is refused an effect: the warning says what to use. */
const ignored = (instead: string) =>
  Type.Optional(
    Type.Unsafe<unknown>({ description: 'Not read.', 'x-ignored': instead, 'x-secret': true, 'x-written': false }),
  );

/** A key of older versions that nothing can honour: a text that has it gets a warning with the reason. */
const unsupported = (reason: string) =>
  Type.Optional(Type.Unsafe<unknown>({ description: 'Not read.', 'x-ignored': reason, 'x-written': false }));

/** A key that may be missing and then has no default: what it means then is in its description. */
export function optional<T extends TSchema>(schema: T) {
  const { default: _usual, ...rest } = schema as T & { default?: unknown };
  return Type.Optional({ ...rest, 'x-written': false } as unknown as T);
}

/** What is in place of a secret. A text that carries it is never written. */
export const MASK = '****';

/** Limits of an address that may be empty. */
export const HTTP_URL = {
  format: 'streamhub-http-url',
  'x-hint': 'an absolute http or https address, or empty',
} as const;

/** Builders of config keys. */
export const key = { text, flag, whole, amount, choice, reference, ignored, unsupported };

/** Reads a schema's marks. */
export function annotationsOf(
  schema: TSchema,
): Partial<KeyAnnotations> & { default?: unknown; enum?: readonly unknown[] } & Limits {
  return schema as never;
}

/** The properties of an object schema, or undefined for any other. */
export function propertiesOf(schema: TSchema): Record<string, TSchema> | undefined {
  return (schema as { properties?: Record<string, TSchema> }).properties;
}
