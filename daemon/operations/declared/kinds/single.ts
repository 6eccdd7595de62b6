import type { TSchema } from 'typebox';
import type { Change, Context, Kind, Outcome } from '../kind.ts';
import type { Fields } from '../values.ts';

/** A kind that has one object, in one file. */
export function singleKind({
  id,
  file,
  schema,
  read,
  check,
  apply,
}: {
  id: string;
  file: string;
  /** Null: the file’s text is the field `text`. */
  schema: TSchema | null;
  /** Null: nothing is set. */
  read(): Fields | null | Promise<Fields | null>;
  check(change: Change, context: Context): void | Promise<void>;
  apply(change: Change, context: Context): void | Promise<void>;
}): Kind {
  const each = async (changes: readonly Change[], step: (change: Change) => void | Promise<void>) => {
    for (const change of changes) await step(change);
  };
  return {
    id,
    files: [{ pattern: file, schema }],
    parse: (docs) =>
      docs.map((doc) => ({
        key: id,
        fields: (schema === null ? { text: doc.value } : doc.value) as Fields,
        doc,
        at: '',
      })),
    compose: (items) =>
      items.map(({ fields }) =>
        schema === null ? { path: file, text: String(fields['text']) } : { path: file, value: fields },
      ),
    async read() {
      const fields = await read();
      return fields === null ? [] : [{ key: id, fields }];
    },
    check: (changes, context) =>
      each(changes, async (change) => {
        try {
          await check(change, context);
        } catch (error) {
          context.refuse(change, error);
        }
      }),
    apply: (changes, context, outcome: Outcome) =>
      each(changes, async (change) => {
        await apply(change, context);
        await outcome.done(change);
      }),
  };
}
