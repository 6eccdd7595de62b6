import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyOf, Operation, ParamsOf, QueryOf } from '#shared/contract/operation.ts';
import type { Credential } from '../credentials.ts';
import type { LogContext } from '../log-context.ts';
import type { Principal } from '../principal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by authentication; null on public routes without a credential. */
    principal: Principal | null;
    /** What it was known by. */
    credential: Credential | null;
    /** What the handler adds to the audit entry of its request; null = nothing. */
    auditNote: AuditNote | null;
    /** What all lines of the request carry; null before its handler runs. */
    logContext: LogContext | null;
  }
  interface FastifyContextConfig {
    operation?: Operation;
    /** The same text is sent while nothing has changed: see `memoized`. */
    isMemoized?: boolean;
    /** Answers what a browser asks before a request to another site; does nothing else. */
    isPreflight?: boolean;
  }
}

/** What a handler gets: the checked input of its operation and who asks. */
export interface Call<O extends Operation> {
  params: ParamsOf<O>;
  query: QueryOf<O>;
  body: BodyOf<O>;
  /** Null only on operations whose access is public, cluster-token, webhook or metrics. */
  principal: Principal;
  /** Who did it, for events and the audit trail. */
  actor: Actor;
  /** The caller prefers the job to its end: `Prefer: respond-async`. The answer is then 202. */
  isAsync: boolean;
  /** Adds to the audit entry that the request leaves: target, before, after. Needed only where the default says too little. */
  audit(note: AuditNote): void;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** Who made a change and from where. */
export interface Actor {
  /** `token:<id>`, `admin`, `usr_…`, `node:<id>` or `system`. */
  id: string;
  /** E-mail or token name, where known. */
  label?: string;
  ip?: string;
  requestId?: string;
}

/** What a handler adds to the audit entry of its request; every part is optional. */
export interface AuditNote {
  /** Name of the changed object; default: the last path parameter. */
  target?: string | undefined;
  /** State before; only what changes. Values of secret keys are masked. */
  before?: object | null;
  /** State after; default: the request's body. */
  after?: object | null;
  /** `after` was changed also if the request failed. */
  isPartial?: boolean;
  app?: string | undefined;
  tenant?: string | null | undefined;
  /** Who signed in, when the request had no credential. */
  actor?: Actor;
}

export const SYSTEM: Actor = { id: 'system' };
