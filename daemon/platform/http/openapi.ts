import { STATUS_CODES } from 'node:http';
import { operations } from '#shared/contract/index.ts';
import { type Access, appParamOf, type Operation, takesIdempotencyKey } from '#shared/contract/operation.ts';
import { ERRORS, type ErrorCode, type ErrorDefinition, FILE_ERRORS } from '#shared/errors.ts';
import { IDEMPOTENCY_KEPT_HOURS } from '#shared/limits.ts';
import { ErrorBody } from '#shared/schema/common.ts';
import { Components } from './openapi-components.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document, derived from the contract. TypeBox schemas are JSON Schema, so they go in as they are. */
export function openApiDocument(version: string, base: string, publicPath = ''): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const op of operations) {
    const path = (op.root ? '' : base) + op.path;
    (paths[path] ??= {})[op.method.toLowerCase()] = describe(op, components);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'StreamHub',
      version,
      description:
        'Control plane for self-hosted LiveKit streaming servers. Every route below /api/v1 takes `Authorization: Bearer <API token or session token>` unless it says otherwise.',
    },
    servers: [{ url: publicPath || '/' }],
    tags: [...new Set(operations.map((op) => op.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'API token (`sk_…`) or session token.' },
        clusterToken: { type: 'apiKey', in: 'header', name: 'X-Cluster-Token' },
      },
    },
  };
}

const IDEMPOTENCY_ERRORS: readonly ErrorCode[] = [
  'VALIDATION_FAILED',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENT_REQUEST_RUNNING',
  'IDEMPOTENT_REQUEST_UNKNOWN',
  'IDEMPOTENCY_KEYS_USED_UP',
];
const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: `A name for this request, for example a UUID. A request that is repeated with it within ${IDEMPOTENCY_KEPT_HOURS} hours changes nothing again: it gets the first answer, with the header \`Idempotency-Replayed: true\`.`,
  schema: { type: 'string', minLength: 1, maxLength: 257, examples: ['8e03978e-40d5-43dd-bc93-6894a57f9324'] },
};

function describe(op: Operation, components: Components): Json {
  const responses: Json = {};
  for (const [status, schema] of Object.entries(op.responses)) {
    responses[status] = {
      description: STATUS_CODES[status] ?? 'Success',
      ...(schema ? { content: { [op.produces ?? 'application/json']: { schema: components.refer(schema) } } } : {}),
    };
  }
  for (const [status, codes] of errorsOf(op)) {
    responses[status] = {
      description: codes.map((code) => `\`${code}\`: ${(ERRORS[code] as ErrorDefinition).message}`).join('\n\n'),
      content: { 'application/json': { schema: components.refer(ErrorBody) } },
    };
  }
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
      ...(takesIdempotencyKey(op) ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(op.body
      ? {
          requestBody: {
            required: !op.bodyOptional,
            content: {
              'application/json': { schema: components.refer(op.body) },
              ...Object.fromEntries(
                (op.uploads ?? []).map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
              ),
            },
          },
        }
      : {}),
    responses,
  };
}

/** Errors of an operation: its own, and those that its access and input imply. */
function errorsOf(op: Operation): Map<number, ErrorCode[]> {
  const codes = new Set<ErrorCode>(op.errors ?? []);
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
    ...(property['allowEmptyValue'] ? { allowEmptyValue: true } : {}),
    ...(property['description'] ? { description: property['description'] } : {}),
    schema: components.refer(property),
  }));
}
