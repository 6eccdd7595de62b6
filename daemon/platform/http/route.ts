import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { createdPlace, isJobAnswer, startsJob } from '#shared/contract/answers.ts';
import { operations } from '#shared/contract/index.ts';
import { appParamOf, type Operation, type ResultOf } from '#shared/contract/operation.ts';
import type { Job } from '#shared/schema/jobs.ts';
import { withLogContext } from '../log-context.ts';
import type { Principal } from '../principal.ts';
import { actorOf } from './actor.ts';
import { memoized } from './memo.ts';
import type { Actor, AuditNote, Call } from './types.ts';

/** A list may be one that only its owner changes. */
type Result<T> = T extends readonly (infer E)[] ? readonly E[] : T;
type Handler<O extends Operation> = (
  call: Call<O>,
) => Result<ResultOf<O>> | FastifyReply | Promise<Result<ResultOf<O>> | FastifyReply | undefined> | undefined;

/**
 * Binds an operation of the contract to its handler. The handler returns the body of the operation's default
 * success status (the first declared), or sets another with `call.reply.code(…)`, or sends by itself and returns the reply.
 */
export function route<O extends Operation>(
  app: FastifyInstance,
  op: O,
  handler: Handler<O>,
  { memo = false }: { /** See `memoized`. */ memo?: boolean } = {},
): void {
  const statuses = Object.keys(op.responses).map(Number);
  const success = statuses[0] ?? 200;
  const bodies = statuses.filter((status) => op.responses[status] !== null);
  // an object with the key 200 is an array of 300 places to V8: 5 kB for each route, which most don't need
  const response = Object.fromEntries(
    bodies.map((status) => [bodies.length === 1 ? `${Math.floor(status / 100)}xx` : status, op.responses[status]]),
  );

  const param = appParamOf(op);
  const appOf = ({ params }: FastifyRequest): string | undefined =>
    param === undefined ? undefined : (params as Record<string, string>)[param];

  const place = placing(op);

  const options: RouteOptions = {
    method: op.method,
    url: op.path.replace(/\{(\w+)\}/g, ':$1'),
    // a HEAD of the event stream would open one
    exposeHeadRoute: op.produces !== 'text/event-stream',
    config: { operation: op, isMemoized: memo },
    schema: {
      ...(op.params ? { params: op.params } : {}),
      ...(op.query ? { querystring: op.query } : {}),
      ...(op.headers ? { headers: op.headers } : {}),
      // a file is not checked against the schema of the JSON that can be sent instead
      ...(op.body ? { body: op.uploads ? { content: { 'application/json': { schema: op.body } } } : op.body } : {}),
      ...(op.produces ? {} : { response }),
    },
    ...(op.bodyLimit ? { bodyLimit: op.bodyLimit } : {}),
    handler: (request, reply) => {
      if (success !== 200) reply.code(success);
      const call = new RouteCall(request, reply) as unknown as Call<O>;
      const logged = () =>
        withLogContext((request.logContext = { requestId: request.id, app: appOf(request) }), () => handler(call));
      const result = request.trace ? request.trace.run(logged) : logged();
      if (op.responses[success] === null && !(result instanceof Promise)) return reply.send();
      if (op.responses[success] === null) return (result as Promise<unknown>).then((sent) => sent ?? reply.send());
      if (place === undefined) return result;
      return result instanceof Promise
        ? result.then((body) => place(request, reply, body))
        : place(request, reply, result);
    },
  };
  if (memo && app.serializerCompiler) options.serializerCompiler = memoized(app.serializerCompiler);
  if (op.body && op.bodyOptional) options.preValidation = emptyBodyIsObject;
  app.route(options);
}

/** Adds where the job or the new object is found to an answer; undefined where an operation has neither. */
function placing(op: Operation): (<B>(request: FastifyRequest, reply: FastifyReply, body: B) => B) | undefined {
  const created = createdPlace(op, operations);
  if (!startsJob(op) && created === undefined) return undefined;
  return (request, reply, body) => {
    const answer = body as Record<string, unknown> | undefined;
    if (answer === undefined || answer === (reply as unknown)) return body;
    if (isJobAnswer(op, reply.statusCode)) {
      reply.header('location', `/api/v1/jobs/${(answer['data'] as Job).id}`);
      if (prefersAsync(request)) reply.header('preference-applied', 'respond-async');
    } else if (created !== undefined && reply.statusCode === 201) {
      const own = (created.isEnveloped ? answer['data'] : answer) as Record<string, unknown>;
      const params = request.params as Record<string, string>;
      const { length } = created.path;
      const path = created.path.replace(/\{(\w+)\}/g, (found, name: string, at: number) =>
        encodeURIComponent(String(at + found.length === length ? own[created.field] : params[name])),
      );
      reply.header('location', `/api/v1${path}`);
    }
    return body;
  };
}

/** `Prefer: respond-async` (RFC 7240). */
const prefersAsync = ({ headers }: FastifyRequest): boolean =>
  /(?:^|,)\s*respond-async\s*(?:[;,]|$)/i.test(String(headers['prefer'] ?? ''));

const emptyBodyIsObject: RouteOptions['preValidation'] = (request, _reply, done) => {
  // a body in another format must not count as no body
  if (!request.hasForeignBody && (request.body === undefined || request.body === null)) request.body = {};
  done();
};

/** The call object; `actor` is made only when a handler asks for it. */
class RouteCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.request = request;
    this.reply = reply;
  }
  get params(): unknown {
    return this.request.params;
  }
  get query(): unknown {
    return this.request.query;
  }
  get body(): unknown {
    return this.request.body;
  }
  get principal(): Principal {
    return this.request.principal as Principal;
  }
  get actor(): Actor {
    return actorOf(this.request);
  }
  get isAsync(): boolean {
    return prefersAsync(this.request);
  }
  /** A separate function, so that handlers can take it apart from the call. */
  get audit(): (note: AuditNote) => void {
    return (note) => {
      this.request.auditNote = { ...this.request.auditNote, ...note };
    };
  }
}
