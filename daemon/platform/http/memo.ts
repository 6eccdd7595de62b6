import type { FastifySerializerCompiler } from 'fastify';

/**
 * Serialises each object once, through the operation's schema: while a handler returns the same object, the same text is
 * sent. So an object must not change after it was returned.
 */
export function memoized(compile: FastifySerializerCompiler<unknown>): FastifySerializerCompiler<unknown> {
  return (route) => {
    const stringify = compile(route) as (value: object) => string;
    const texts = new WeakMap<object, string>();
    return (value: object) => {
      let text = texts.get(value);
      if (text === undefined) texts.set(value, (text = stringify(value)));
      return text;
    };
  };
}
