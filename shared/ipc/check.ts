import type { TSchema } from 'typebox';
import Value from 'typebox/value';

/**
 * Why the value does not fit the schema, or undefined when it does. Interpreted, not compiled: the preload runs where
 * code may not be made from text.
 */
export function misfit(schema: TSchema, value: unknown): string | undefined {
  if (Value.Check(schema, value)) return undefined;
  const [first] = Value.Errors(schema, value);
  return first === undefined ? 'it is of another shape' : `${first.instancePath || 'it'} ${first.message}`;
}

/** The value without keys that the schema does not name. */
export function cleaned<T>(schema: TSchema, value: T): T {
  return Value.Clean(schema, Value.Clone(value)) as T;
}
