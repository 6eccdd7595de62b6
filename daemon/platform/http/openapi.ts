import { STATUS_CODES } from 'node:http';
import type { TSchema } from 'typebox';
import { isPolled } from '#shared/contract/answers.ts';
import { operations } from '#shared/contract/index.ts';
import { type Access, appParamOf, type Operation, takesIdempotencyKey } from '#shared/contract/operation.ts';
import { TAGS } from '#shared/contract/tags.ts';
import { ERRORS, type ErrorCode, type ErrorDefinition, FILE_ERRORS } from '#shared/errors.ts';
import { ErrorBody } from '#shared/schema/common.ts';
import { Components } from './openapi-components.ts';
import { eventStream, webhooks } from './openapi-events.ts';
import { errorExamples, exampleOf } from './openapi-examples.ts';
import { HEADERS, headersOf, sharedParameters } from './openapi-headers.ts';
import { codeSamples } from './openapi-samples.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document, derived from the contract. TypeBox schemas are JSON Schema, so they go in as they are. */
export function openApiDocument(version: string, base: string, server = '/'): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const op of operations) {
    const path = (op.root ? '' : base) + op.path;
    (paths[path] ??= {})[op.method.toLowerCase()] = describe(op, path, components);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'StreamHub',
      version,
      contact: { name: 'Maintainers of StreamHub: SECURITY.md says how to reach them' },
      license: { name: 'All rights reserved', identifier: 'LicenseRef-StreamHub' },
      description:
        'Control plane for self-hosted LiveKit streaming servers. Every route below /api/v1 takes `Authorization: Bearer <API token or session token>` unless it says otherwise. A request that can’t be read as HTTP gets 400 `BAD_REQUEST`, 408 `REQUEST_TIMEOUT`, 417 `EXPECTATION_FAILED` or 431 `HEADERS_TOO_LARGE`, on any route.',
    },
    servers: [{ url: server }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: webhooks(components),
    components: {
      schemas: components.schemas,
      responses: components.responses,
      headers: HEADERS,
      examples: errorExamples(new Set(operations.flatMap((op) => [...errorsOf(op).values()].flat()))),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'API token (`sk_…`) or session token.' },
        clusterToken: { type: 'apiKey', in: 'header', name: 'X-Cluster-Token' },
      },
    },
  };
}

const ADDRESS_ERRORS: readonly ErrorCode[] = ['IP_BLOCKED', 'IP_BANNED'];
const IDEMPOTENCY_ERRORS: readonly ErrorCode[] = [
  'VALIDATION_FAILED',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENT_REQUEST_RUNNING',
  'IDEMPOTENT_REQUEST_UNKNOWN',
  'IDEMPOTENCY_KEYS_USED_UP',
];
function describe(op: Operation, path: string, components: Components): Json {
  const responses: Json = {};
  for (const [status, schema] of Object.entries(op.responses)) {
    responses[status] = {
      description: STATUS_CODES[status] ?? 'Success',
      headers: headersOf(op, Number(status)),
      ...(schema ? { content: contentOf(op, schema, components) } : {}),
    };
  }
  if (isPolled(op)) responses['304'] = { description: 'Nothing has changed.', headers: headersOf(op, 304) };
  for (const [status, codes] of errorsOf(op))
    responses[status] = components.referToResponse(codes.join('.'), refusal(op, status, codes, components));
  return {
    operationId: op.id,
    tags: [op.tag],
    summary: op.summary,
    description: [op.description, `**Needs**: ${accessText(op.access)}.`].filter(Boolean).join('\n\n'),
    'x-access': op.access,
    security: securityOf(op.access),
    parameters: [
      ...parameters('path', op.params, components),
      ...parameters('query', op.query, components),
      ...parameters('header', op.headers, components),
      ...sharedParameters(op),
    ],
    ...(op.body
      ? {
          requestBody: {
            required: !op.bodyOptional,
            content: {
              'application/json': { schema: components.refer(op.body), example: exampleOf(op.body, true) },
              ...Object.fromEntries(
                (op.uploads ?? []).map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
              ),
            },
          },
        }
      : {}),
    responses,
    'x-codeSamples': codeSamples(op, path, op.body && nameOf(components.refer(op.body))),
  };
}

function refusal(op: Operation, status: number, codes: readonly ErrorCode[], components: Components): Json {
  const errors: ErrorDefinition[] = codes.map((code) => ERRORS[code]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join('\n\n'),
    headers: headersOf(
      op,
      status,
      errors.some(({ retryable }) => retryable),
    ),
    content: {
      'application/json': {
        schema: components.refer(ErrorBody),
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const contentOf = (op: Operation, schema: TSchema, components: Components): Json =>
  Object.fromEntries(
    [op.produces ?? 'application/json', ...(op.alsoProduces ?? [])].map((type) => [
      type,
      answer(op, schema, components),
    ]),
  );

function answer(op: Operation, schema: TSchema, components: Components): Json {
  if (op.produces === 'text/event-stream') return eventStream(components);
  return {
    schema: components.refer(schema),
    ...(op.produces === undefined ? { example: exampleOf(schema) } : {}),
  };
}

/** Name of a schema that is referred to. */
const nameOf = (reference: unknown): string | undefined =>
  ((reference as Json)['$ref'] as string | undefined)?.split('/').at(-1);

/** Errors of an operation: its own, and those that its access and input imply. */
function errorsOf(op: Operation): Map<number, ErrorCode[]> {
  // an address can be blocked or banned for everything
  const codes = new Set<ErrorCode>([...(op.errors ?? []), ...ADDRESS_ERRORS]);
  if (op.access !== 'public' && op.access !== 'cluster-token' && op.access !== 'webhook' && op.access !== 'metrics')
    codes.add('UNAUTHENTICATED');
  if (op.limit) codes.add('RATE_LIMITED');
  if (op.limit || op.share) codes.add('SHARE_USED_UP').add('OVERLOADED');
  if (op.access === 'global') codes.add('GLOBAL_SCOPE_REQUIRED');
  if (op.refusesAppTokens) codes.add('APP_TOKEN_REFUSED');
  if (op.access === 'human') codes.add('HUMAN_REQUIRED');
  if (typeof op.access === 'object' || op.access === 'owner') codes.add('FORBIDDEN');
  if (typeof op.access === 'object' && appParamOf(op)) codes.add('APP_NOT_YOURS').add('APP_NOT_FOUND');
  if (op.params || op.query || op.body || op.headers) codes.add('VALIDATION_FAILED');
  if (op.method !== 'GET' || appParamOf(op)) for (const code of FILE_ERRORS) codes.add(code);
  if (takesIdempotencyKey(op)) for (const code of IDEMPOTENCY_ERRORS) codes.add(code);
  if (op.body) codes.add('BAD_JSON').add('BODY_TOO_LARGE');
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}

/** An operation's access, in words. */
function accessText(access: Access): string {
  if (typeof access === 'object') return `permission \`${access.permission}\``;
  const words: Record<Exclude<Access, object>, string> = {
    public: 'nothing',
    bearer: 'any credential',
    human: 'a user session',
    owner: 'role owner, or a superadmin',
    global: 'a credential with global scope',
    'cluster-token': 'header `X-Cluster-Token`',
    webhook: 'LiveKit’s signature',
    metrics: 'the metrics token',
  };
  return words[access];
}

function securityOf(access: Access): Json[] {
  if (access === 'cluster-token') return [{ clusterToken: [] }];
  return access === 'public' || access === 'webhook' ? [] : [{ bearer: [] }];
}

function parameters(place: 'path' | 'query' | 'header', schema: Operation['params'], components: Components): Json[] {
  if (schema === undefined) return [];
  const required = new Set((schema as { required?: string[] }).required ?? []);
  return Object.entries(schema.properties as Record<string, Json>).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.has(name),
    ...(property['x-allow-empty'] ? { allowEmptyValue: true } : {}),
    ...(property['description'] ? { description: property['description'] } : {}),
    schema: components.refer(property),
  }));
}
