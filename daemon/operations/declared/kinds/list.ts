import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { type Change, type Context, type Item, type Kind, numbered } from '../kind.ts';
import type { Fields } from '../values.ts';

/** The files of a kind that is a list in one file. The objects of one name are told apart by their order. */
export function listFile(
  file: string,
  schema: TSchema,
  nameOf: (fields: Fields) => string,
): Pick<Kind, 'files' | 'parse' | 'compose'> {
  return {
    files: [{ pattern: file, schema: Type.Array(schema, { maxItems: 2000 }) }],
    parse: (docs) =>
      docs.flatMap((doc) =>
        numbered([...(doc.value as Fields[]).entries()], ([, fields]) => nameOf(fields)).map(
          ({ key, one: [index, fields] }) => ({ key, fields, doc, at: String(index) }),
        ),
      ),
    // an empty list says that there are none
    compose: (items) => [{ path: file, value: items.map(({ fields }) => fields) }],
  };
}

/** Objects in the order of their names, keyed by them. */
export const named = <T>(list: readonly T[], nameOf: (one: T) => string, fieldsOf: (one: T) => Fields): Item[] =>
  numbered(
    // those of one name stay in the order in which they were made
    [...list].sort((a, b) => compare(nameOf(a), nameOf(b))),
    nameOf,
  ).map(({ key, one }) => ({ key, fields: fieldsOf(one) }));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Checks changes one by one, each with its refusal. */
export async function checkEach(
  changes: readonly Change[],
  context: Context,
  check: (change: Change) => unknown,
): Promise<void> {
  for (const change of changes)
    try {
      await check(change);
    } catch (error) {
      context.refuse(change, error);
    }
}
