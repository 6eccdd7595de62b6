import type { TSchema } from 'typebox';
import Value from 'typebox/value';

/**
 * The first schema error of the value, or undefined when it is valid. Interpreted, not compiled, because the preload's CSP
 * forbids eval.
 */
export function schemaError(schema: TSchema, value: unknown): string | undefined {
  if (Value.Check(schema, value)) return undefined;
  const [first] = Value.Errors(schema, value);
  return first === undefined ? 'it has another format' : `${first.instancePath || 'it'} ${first.message}`;
}

/** A copy of the value without keys that the schema does not declare. */
export function withoutUnknownKeys<T>(schema: TSchema, value: T): T {
  return Value.Clean(schema, Value.Clone(value)) as T;
}
