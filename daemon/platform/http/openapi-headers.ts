import { createdPlace, isJobAnswer, isPolled, startsJob } from '#shared/contract/answers.ts';
import { operations } from '#shared/contract/index.ts';
import { type Operation, refusesUnknownFields, takesIdempotencyKey } from '#shared/contract/operation.ts';
import { IDEMPOTENCY_KEPT_HOURS } from '#shared/limits.ts';

type Json = Record<string, unknown>;

const text = (description: string, example: string | number): Json => ({
  description,
  schema: { type: typeof example === 'number' ? 'integer' : 'string' },
  example,
});

/** Every header that answers carry for programs, once. */
export const HEADERS = {
  'X-Request-Id': text('Id of the request, also in errors and in the daemon’s log.', '41dfd5b641-1'),
  ETag: text('Version of what is returned.', '"v3xN0kq0bKQ2m8yB1s9TzA"'),
  Location: text('Address of the job or of the new object.', '/api/v1/jobs/7'),
  'Preference-Applied': text('`respond-async`, if the request preferred it.', 'respond-async'),
  'Idempotency-Replayed': text('`true`: the answer to an earlier request with this Idempotency-Key.', 'true'),
  Warning: text('Names the fields of the body that nobody reads.', '299 - "ignored unknown fields: body.colour"'),
  'Retry-After': text('Seconds to wait before the next attempt.', 5),
  RateLimit: text(
    'What is left of the limit: attempts (`r`) and seconds until it is full again (`t`).',
    '"sign-in";r=9;t=900',
  ),
  'RateLimit-Policy': text('The limit: attempts (`q`) in a number of seconds (`w`).', '"sign-in";q=10;w=900'),
  'WWW-Authenticate': text('The credential that is needed.', 'Bearer'),
} as const;
type HeaderName = keyof typeof HEADERS;

/** References to the headers of an answer. `isRetryable`: one of the errors of this status is worth a retry. */
export function headersOf(op: Operation, status: number, isRetryable = false): Json {
  const names: HeaderName[] = ['X-Request-Id'];
  const isSuccess = status < 400;
  if (isSuccess && (op.hasEtag || isPolled(op))) names.push('ETag');
  if (isSuccess && (isJobAnswer(op, status) ? startsJob(op) : status === 201 && createdPlace(op, operations)))
    names.push('Location');
  if (isSuccess && startsJob(op) && isJobAnswer(op, status)) names.push('Preference-Applied');
  if (isSuccess && takesIdempotencyKey(op)) names.push('Idempotency-Replayed');
  if (isSuccess && op.body !== undefined && !refusesUnknownFields(op)) names.push('Warning');
  if (op.limit !== undefined && (isSuccess || status === 429)) names.push('RateLimit', 'RateLimit-Policy');
  if (isRetryable) names.push('Retry-After');
  if (status === 401) names.push('WWW-Authenticate');
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: `A name for this request, for example a UUID. A request that is repeated with it within ${IDEMPOTENCY_KEPT_HOURS} hours changes nothing again: it gets the first answer, with the header \`Idempotency-Replayed: true\`.`,
  schema: { type: 'string', minLength: 1, maxLength: 257 },
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
};

const PREFER: Json = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description: '`respond-async`: answer with the job, without waiting for its end (RFC 7240).',
  schema: { type: 'string', maxLength: 200 },
  example: 'respond-async',
};

const IF_NONE_MATCH: Json = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'ETag of the answer that you already have. While nothing has changed, the answer is 304 without a body.',
  schema: { type: 'string', maxLength: 1000 },
  example: '"v3xN0kq0bKQ2m8yB1s9TzA"',
};

/** Request headers that an operation takes for its kind, without declaring them. */
export function sharedParameters(op: Operation): Json[] {
  const hasOwn = op.headers?.properties?.['if-none-match'] !== undefined;
  return [
    ...(takesIdempotencyKey(op) ? [IDEMPOTENCY_KEY] : []),
    ...(startsJob(op) ? [PREFER] : []),
    ...(isPolled(op) && !hasOwn ? [IF_NONE_MATCH] : []),
  ];
}
