import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { PRESET_ID_PATTERN } from './manifest.ts';

export { PROTECTED_KEYS } from '../config/protected-keys.ts';

/**
 * A preset: a named set of config values, merged over an app's `config.yaml`. Mappings merge key by key, lists and
 * scalars replace the old value, an empty string only fills a key that is missing or empty.
 */
export const Preset = Type.Object(
  {
    id: Type.String({ pattern: PRESET_ID_PATTERN, description: 'Unique among all plugins; case-sensitive.' }),
    title: Type.String({ minLength: 1, maxLength: 80, description: 'Short label.' }),
    description: Type.String({ minLength: 1, maxLength: 500, description: 'What it does, in one sentence.' }),
    useCase: Type.String({ minLength: 1, maxLength: 300, description: 'Who should use it.' }),
    latency: Type.Optional(Type.String({ maxLength: 120, description: 'Delay that viewers can expect.' })),
    cost: Type.Optional(Type.String({ maxLength: 200, description: 'What it costs the server.' })),
    patch: Type.Record(Type.String(), Type.Unknown(), { description: 'Values to set, with the keys of config.yaml.' }),
  },
  { additionalProperties: false },
);
export type Preset = Static<typeof Preset>;

export class PresetError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`This is not a preset: ${problems.join('; ')}`);
    this.name = 'PresetError';
    this.problems = problems;
  }
}

/** Checks a preset and returns it; throws a `PresetError` that lists everything that is wrong with it. */
export function definePreset(value: Preset): Preset {
  const problems = describeProblems(Preset, value);
  if (problems.length === 0) {
    if (Object.keys(value.patch).length === 0) problems.push('patch sets nothing');
    problems.push(...jsonProblems(value.patch, 'patch', 0));
  }
  if (problems.length > 0) throw new PresetError(problems);
  return value;
}

/** What is wrong with a value, one line for each fault, by path. */
export function describeProblems(schema: TSchema, value: unknown): string[] {
  if (Value.Check(schema, value)) return [];
  const problems = new Set<string>();
  const errors = [...Value.Errors(schema, value)];
  for (const { keyword, instancePath, params, message } of errors) {
    if (keyword === 'boolean') continue;
    const path = instancePath.slice(1).replaceAll('/', '.');
    const { additionalProperties, requiredProperties } = params as Record<string, string[] | undefined>;
    const allowed = allowedAt(errors, instancePath);
    if (requiredProperties)
      for (const name of requiredProperties) problems.add(`${path && `${path}.`}${name} is required`);
    else if (additionalProperties) problems.add(`${path || 'it'} has unknown keys: ${additionalProperties.join(', ')}`);
    else if (!/^(?:const|enum|anyOf)$/.test(keyword) || allowed === '') problems.add(`${path || 'it'} ${message}`);
    else problems.add(`${path || 'it'} ${allowed}`);
    if (problems.size >= 20) break;
  }
  return [...problems];
}

type SchemaError = ReturnType<typeof Value.Errors>[number];

/** The values that a schema allows at a place, in words; empty if it names none. */
export function allowedAt(errors: readonly SchemaError[], instancePath: string): string {
  const allowed = errors
    .filter((error) => error.instancePath === instancePath)
    .flatMap(({ params }): unknown[] => {
      if ('allowedValues' in params) return params.allowedValues;
      return 'allowedValue' in params ? [params.allowedValue] : [];
    });
  return allowed.length === 0 ? '' : `must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}`;
}

/** Only what YAML and JSON share may stand in a patch, at most 16 levels deep. */
function jsonProblems(value: unknown, path: string, depth: number): string[] {
  if (depth > 16) return [`${path} is nested too deeply`];
  if (value === null) return [`${path} is null; leave the key out instead`];
  if (Array.isArray(value)) return value.flatMap((item, index) => jsonProblems(item, `${path}[${index}]`, depth + 1));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([key, item]) =>
      key === '__proto__' ? [`${path} has a key named __proto__`] : jsonProblems(item, `${path}.${key}`, depth + 1),
    );
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return [`${path} is not a finite number`];
  return ['string', 'number', 'boolean'].includes(typeof value) ? [] : [`${path} has an unknown type`];
}
