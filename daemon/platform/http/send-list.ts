import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Static, TSchema } from 'typebox';

/** Items that are serialised before other requests get their turn. */
const SLICE = 100;
/** The same for long items, as characters. */
const SLICE_LENGTH = 32_768;

/**
 * Sends `{data: […], error: null}` piece by piece, so that a list of thousands doesn't hold up other requests.
 * @param schema the operation's schema of one item
 * @param within the object that has the list as its last field, if `data` isn't the list
 */
export function sendList<S extends TSchema>(
  reply: FastifyReply,
  schema: S,
  items: Iterable<Static<S>>,
  within?: { fields: object; name: string },
): FastifyReply {
  const stringify = reply.compileSerializationSchema(schema as Record<string, unknown>);
  reply.type('application/json; charset=utf-8');
  const text = pieces(items, stringify, within);
  const first = text.next().value;
  const second = text.next();
  // a short list is one text, which gets an ETag
  return reply.send(second.done ? first : Readable.from(joined([first, second.value], text)));
}

function* joined(first: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

function* pieces<T>(
  items: Iterable<T>,
  stringify: (item: T) => string,
  within: { fields: object; name: string } | undefined,
): Generator<string> {
  const [before, after] =
    within === undefined ? ['[', ']'] : JSON.stringify({ ...within.fields, [within.name]: [] }).split(/(?=\]\}$)/);
  let text = `{"data":${before}`;
  let count = 0;
  for (const item of items) {
    text += `${count === 0 ? '' : ','}${stringify(item)}`;
    count += 1;
    if (count % SLICE === 0 || text.length >= SLICE_LENGTH) {
      yield text;
      text = '';
    }
  }
  yield `${text}${after},"error":null}`;
}
