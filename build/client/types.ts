import { compile } from 'json-schema-to-typescript';
import { openApiDocument } from '#daemon/platform/http/openapi.ts';
import { Components } from '#daemon/platform/http/openapi-components.ts';
import { operations } from '#shared/client/operations.ts';
import type { PlainOperation } from '#shared/client/wire.ts';
import { ERRORS } from '#shared/errors.ts';
import { CallbackMessage } from '#shared/schema/callbacks.ts';
import { Event } from '#shared/schema/event-payloads.ts';

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  [keyword: string]: unknown;
}
interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Schema;
}
type Content = Record<string, { schema?: Schema }>;
interface Described {
  operationId: string;
  summary: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { content?: Content }>;
}

const REF = '#/components/schemas/';

/** TypeScript of the API's objects, and of the input and result of each operation, from the OpenAPI document. */
export async function writeTypes(version: string): Promise<string> {
  const document = openApiDocument(version, '/api/v1') as unknown as {
    paths: Record<string, Record<string, Described>>;
    components: { schemas: Record<string, Schema> };
  };
  const { schemas } = document.components;
  const messages = new Components();
  for (const schema of [CallbackMessage, Event]) messages.refer(schema);
  const named = { ...(messages.schemas as Record<string, Schema>), ...schemas };
  const described = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .filter(({ operationId }) => operationId !== undefined)
    .sort((a, b) => (a.operationId < b.operationId ? -1 : 1));
  const root = {
    ...object(Object.fromEntries(described.map((op) => [op.operationId, typesOf(op, schemas)]))),
    title: 'Operations',
    description: 'Input and result of each operation, by its id.',
    // envelopes are opened by the client
    definitions: Object.fromEntries(Object.entries(named).filter(([, schema]) => dataOf(schema) === undefined)),
  };
  const types = await compile(withNames(root) as object, 'Operations', {
    bannerComment: '// Made from the OpenAPI document of the daemon.',
    additionalProperties: false,
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    enableConstEnums: false,
    format: false,
  });
  const codes = Object.keys(ERRORS).map((code) => `  | '${code}'`);
  return `${types.replace(REMARK, '')}
/** Stable codes of errors (docs/errors.md). */
export type ErrorCode =
${codes.join('\n')};

/** A field that was refused. */
export interface ErrorDetail {
  path: string;
  message: string;
}
`;
}

/** The compiler's remark on every definition. */
const REMARK =
  /\/\*\*\n \* This interface was referenced by [^\n]*\n \* via the `definition` [^\n]*\n \*\/\n| \*\n \* This interface was referenced by [^\n]*\n \* via the `definition` [^\n]*\n/g;

/** References as names: beside a reference, the compiler would copy a description’s whole schema. */
function withNames(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(withNames);
  const { $ref, description } = schema as Schema;
  if (typeof $ref === 'string' && $ref.startsWith(REF))
    return { tsType: $ref.slice(REF.length), ...(description === undefined ? {} : { description }) };
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNames(value)]));
}

function typesOf(op: Described, schemas: Record<string, Schema>): Schema {
  const success = Object.entries(op.responses).filter(([status]) => status.startsWith('2'));
  const results = success.map(([, { content }]) => content?.['application/json']?.schema ?? NOTHING);
  const opened = results.map((schema) => openedOf(schema, schemas));
  const result = opened.length === 1 ? (opened[0] as Schema) : { anyOf: opened };
  const { produces, list } = operations[op.operationId] as PlainOperation;
  const kind =
    produces === undefined ? (list ? 'list' : 'json') : produces === 'text/event-stream' ? 'events' : 'download';
  return {
    ...object({ input: inputOf(op), result: produces === undefined ? result : NOTHING, kind: { const: kind } }),
    description: op.summary,
  };
}

function inputOf({ parameters = [], requestBody }: Described): Schema {
  const path = partOf(parameters, 'path');
  const query = partOf(parameters, 'query');
  const { content = {}, required = false } = requestBody ?? {};
  const body = content['application/json']?.schema;
  const isUpload = Object.keys(content).some((type) => type !== 'application/json');
  const properties: Record<string, Schema> = {
    ...(path ? { params: path } : {}),
    ...(query ? { query } : {}),
    ...(body ? { body } : {}),
    ...(isUpload ? { file: { tsType: 'Uint8Array | Blob', description: 'Sent in the place of the body.' } } : {}),
    headers: { tsType: 'Record<string, string>' },
  };
  const needed = [...(path ? ['params'] : []), ...(body && required && !isUpload ? ['body'] : [])];
  return object(properties, needed);
}

function partOf(parameters: Parameter[], place: string): Schema | undefined {
  const own = parameters.filter((parameter) => parameter.in === place);
  if (own.length === 0) return undefined;
  const properties = own.map(({ name, description, schema }) => [
    name,
    description === undefined ? schema : { ...schema, description },
  ]);
  return object(
    Object.fromEntries(properties),
    own.filter(({ required }) => required).map(({ name }) => name),
  );
}

const NOTHING: Schema = { tsType: 'undefined' };

const object = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const resolved = (schema: Schema, schemas: Record<string, Schema>): Schema =>
  schema.$ref === undefined ? schema : (schemas[schema.$ref.slice(REF.length)] as Schema);

/** What is in the envelope `{data, error: null}`. */
const dataOf = ({ properties }: Schema): Schema | undefined =>
  properties?.['error']?.type === 'null' ? properties['data'] : undefined;

const openedOf = (schema: Schema, schemas: Record<string, Schema>): Schema =>
  dataOf(resolved(schema, schemas)) ?? schema;
