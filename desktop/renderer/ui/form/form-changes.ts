/** What a form holds: the values it began with, and those it has now. */
export interface FormState<V> {
  base: V;
  values: V;
}

/** The values that differ, nested ones each for itself. */
export type Changes<V> = {
  [K in keyof V]?: V[K] extends readonly unknown[] ? V[K] : V[K] extends object ? Changes<V[K]> : V[K];
};

type Fields = Record<string, unknown>;

export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a person changed: the body of a PATCH. */
export function changesFrom<V extends object>(base: V, values: V): Changes<V> {
  const changed = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const before: unknown = base[name as keyof V];
    if (isSame(value, before)) return [];
    return [[name, isFields(value) && isFields(before) ? changesFrom<Fields>(before, value) : value]];
  });
  return Object.fromEntries(changed) as Changes<V>;
}

/** Takes over what is stored now. A field that a person changed keeps its value, and what it was changed from. */
export function followStored<V extends object>({ base, values }: FormState<V>, stored: V): FormState<V> {
  const next = { base: { ...base } as Fields, values: { ...values } as Fields };
  for (const [name, newest] of Object.entries(stored)) {
    const [before, value] = [base[name as keyof V], values[name as keyof V]];
    let field: FormState<unknown> = { base: before, values: value };
    if (isSame(value, before) || isSame(value, newest)) field = { base: newest, values: newest };
    else if (haveSameFields(before, value, newest))
      field = followStored({ base: before as Fields, values: value as Fields }, newest as Fields);
    next.base[name] = field.base;
    next.values[name] = field.values;
  }
  return next as FormState<V>;
}

/**
 * After values were stored: fields show what is stored now, and what was typed since then is a change of that.
 * @param sent the values that were stored
 */
export function typedSince<V extends object>(sent: V, values: V, stored: V): FormState<V> {
  return { base: stored, values: followStored({ base: sent, values }, stored).values };
}

/** Only objects of one shape are brought together; another shape is another value. */
function haveSameFields(...all: unknown[]): boolean {
  const names = new Set(all.map((one) => isFields(one) && Object.keys(one).toSorted().join()));
  return names.size === 1 && !names.has(false);
}
