import type { Operation } from '../contract/operation.ts';
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
    ...(method === 'POST' && '201' in op.responses ? { creates: true } : {}),
  };
}

function listOf({ responses, query }: Operation): PlainOperation['list'] {
  const schema = Object.values(responses)[0] as Shape | null | undefined;
  const { data, total, limit, offset, error } = schema?.properties ?? {};
  if (schema?.type === 'array' || (error && data?.type === 'array')) return 'whole';
  if (data?.type !== 'array' || total === undefined) return undefined;
  const asked = query?.properties ?? {};
  return limit && offset && 'limit' in asked && 'offset' in asked ? 'pages' : 'whole';
}
