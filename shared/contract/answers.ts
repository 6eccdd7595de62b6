import type { TSchema } from 'typebox';
import { Job } from '../schema/jobs.ts';
import type { Operation } from './operation.ts';

type Json = Record<string, unknown>;
type Properties = Record<string, Json>;

const propertiesOf = (schema: TSchema | null | undefined): Properties =>
  ((schema as Json | null | undefined)?.['properties'] as Properties | undefined) ?? {};

/** A bare list, an envelope around one, or a page. */
function isList(schema: TSchema | null | undefined): boolean {
  const { type } = (schema ?? {}) as Json;
  return type === 'array' || propertiesOf(schema)['data']?.['type'] === 'array';
}

/** Whether `If-None-Match` is answered with 304 while nothing has changed: lists, and what declares the header. */
export const isPolled = ({ method, produces, responses, headers }: Operation): boolean =>
  method === 'GET' &&
  produces === undefined &&
  (isList(responses[200]) || propertiesOf(headers)['if-none-match'] !== undefined);

/** Whether the answer of this status is `{data: Job}`. */
export const isJobAnswer = ({ responses }: Operation, status: number): boolean =>
  (propertiesOf(responses[status])['data'] as unknown) === Job;

/** Whether the operation starts a job: `Prefer: respond-async` applies to it. */
export const startsJob = (op: Operation): boolean =>
  op.method !== 'GET' && Object.keys(op.responses).some((status) => isJobAnswer(op, Number(status)));

/** Where the object of a 201 is found. */
export interface CreatedPlace {
  /** Path below `/api/v1`, with the parameters of the creation and, last, that of the object. */
  path: string;
  /** Field of the object that names it. */
  field: string;
  /** The object is in `data`. */
  isEnveloped: boolean;
}

/** The place of what an operation creates: the GET that it declares, else the one below its path if the answer names the object. */
export function createdPlace(op: Operation, operations: readonly Operation[]): CreatedPlace | undefined {
  const own = propertiesOf(op.responses[201]);
  if (op.method !== 'POST' || !(201 in op.responses)) return undefined;
  const isEnveloped = own['data'] !== undefined;
  const { createdPath } = op;
  if (createdPath !== undefined) {
    const [, field = ''] = /\{(\w+)\}$/.exec(createdPath) ?? [];
    return { path: createdPath, field, isEnveloped };
  }
  for (const { method, path } of operations) {
    const param = path.startsWith(`${op.path}/`) ? /^\{(\w+)\}$/.exec(path.slice(op.path.length + 1))?.[1] : undefined;
    if (method !== 'GET' || param === undefined) continue;
    const fields = isEnveloped ? propertiesOf(own['data'] as unknown as TSchema) : own;
    const field = [param, 'id', 'name'].find((name) => fields[name] !== undefined);
    return field === undefined ? undefined : { path, field, isEnveloped };
  }
  return undefined;
}
