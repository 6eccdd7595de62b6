import { type Operation, takesIdempotencyKey } from '../contract/operation.ts';
import type { PlainOperation } from './wire.ts';

interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
}

/** Derives what the client needs from a declaration of the contract. */
export function plainOperation(op: Operation): PlainOperation {
  const { id, method, path, root, produces } = op;
  const list = produces === undefined ? listOf(op) : undefined;
  return {
    id,
    method,
    path,
    ...(root ? { root } : {}),
    ...(produces ? { produces } : {}),
    ...(list ? { list } : {}),
    // what isn't written to the audit trail keeps nothing, such as a join token: a key for each would only be stored
    ...(takesIdempotencyKey(op) && op.audit !== false ? { creates: true } : {}),
  };
}

function listOf({ responses, query }: Operation): PlainOperation['list'] {
  const schema = Object.values(responses)[0] as Shape | null | undefined;
  const { data, total, limit, offset, error } = schema?.properties ?? {};
  if (schema?.type === 'array' || (error && data?.type === 'array')) return 'whole';
  if (data?.type !== 'array' || !(total ?? offset)) return undefined;
  const asked = query?.properties ?? {};
  return limit && offset && 'limit' in asked && 'offset' in asked ? 'pages' : 'whole';
}
