import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging, period } from './common.ts';

const AUDIT_OUTCOMES = ['done', 'refused', 'failed'] as const;
const Summary = nullable(Type.Record(Type.String(), Type.Unknown()), {
  description: 'Shortened and without secrets: secrets are `***`, long texts are replaced by their length.',
});

export const AuditEntry = object({
  id: Type.Integer(),
  ts: Instant,
  action: Type.String({ description: '`<resource>.<verb>`.', examples: ['app.create'] }),
  outcome: oneOf(AUDIT_OUTCOMES, {
    title: 'AuditOutcome',
    description:
      '`refused`: missing permission or wrong credential. `failed`: the daemon could not complete the action.',
  }),
  status: nullable(
    Type.Integer({ description: 'HTTP status of the response; null if the daemon acted without a request.' }),
  ),
  actor: object({
    kind: oneOf(['user', 'token', 'node', 'anonymous', 'system']),
    id: Type.String({ description: '`usr_…`, `admin`, `token:<id>`, `node:<id>`, `anonymous`, `system`.' }),
    label: nullable(Type.String({ description: 'Email address or token name at that time.' })),
  }),
  tenantId: nullable(Type.String(), { description: 'The team whose owners see it; null: only global credentials do.' }),
  app: nullable(Type.String()),
  target: nullable(Type.String({ description: 'The object of the action.' })),
  before: Summary,
  after: Summary,
  ip: nullable(Type.String()),
  requestId: nullable(Type.String()),
});
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditQuery = object({
  actor: Type.Optional(Type.String({ maxLength: 200, description: 'Id of the actor, or part of its label.' })),
  action: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'An action, or a resource for all of its actions.',
      examples: ['app.create', 'app'],
    }),
  ),
  app: Type.Optional(Type.String({ maxLength: 64 })),
  tenant: Type.Optional(Type.String({ maxLength: 64, description: 'Only for callers with global scope.' })),
  target: Type.Optional(Type.String({ maxLength: 200 })),
  outcome: Type.Optional(oneOf(AUDIT_OUTCOMES)),
  ...period,
  ...paging(1000, 100),
});
export type AuditQuery = Static<typeof AuditQuery>;
