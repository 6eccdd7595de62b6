import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Static, TSchema } from 'typebox';

/** Items that are serialised before other requests get their turn. */
const SLICE = 100;

/**
 * Sends `{data: […], error: null}` piece by piece, so that a list of thousands doesn't hold up other requests.
 * @param schema the operation's schema of one item
 */
export function sendList<S extends TSchema>(reply: FastifyReply, schema: S, items: Iterable<Static<S>>): FastifyReply {
  const stringify = reply.compileSerializationSchema(schema as Record<string, unknown>);
  return reply.type('application/json; charset=utf-8').send(Readable.from(pieces(items, stringify)));
}

function* pieces<T>(items: Iterable<T>, stringify: (item: T) => string): Generator<string> {
  let text = '{"data":[';
  let count = 0;
  for (const item of items) {
    text += `${count === 0 ? '' : ','}${stringify(item)}`;
    count += 1;
    if (count % SLICE === 0) {
      yield text;
      text = '';
    }
  }
  yield `${text}],"error":null}`;
}
