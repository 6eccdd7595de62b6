import type { Static, TObject, TSchema } from 'typebox';
import type { ErrorCode } from '../errors.ts';
import type { Permission } from '../permissions.ts';
import type { ShareClass } from '../rules/shares.ts';

/**
 * What a caller needs for an operation.
 * - `public`: nothing. `bearer`: any valid credential. `human`: a person's session (an API token is refused).
 * - `owner`: a person's session with role owner, or a superadmin, in every enforcement mode.
 * - `global`: a global-scope token or a superadmin.
 * - `cluster-token`: header X-Cluster-Token. `webhook`: LiveKit's signature, checked by the handler. `metrics`: METRICS_TOKEN.
 * - `{ permission }`: the role's permission; when the path names an app, also access to that app.
 */
export type Access =
  | 'public'
  | 'bearer'
  | 'human'
  | 'owner'
  | 'global'
  | 'cluster-token'
  | 'webhook'
  | 'metrics'
  | { permission: Permission };

/** Counters of attempts. Failed and successful attempts count; `watch` counts viewers’ requests. */
export type RateLimitClass = 'sign-in' | 'sign-up' | 'password' | 'watch';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One route of the API: the single description that validation, serialisation, documentation and client derive from. */
export interface Operation {
  /** Unique name, the client's method name. */
  id: string;
  method: Method;
  /** Path below `/api/v1`, parameters as `{name}`. */
  path: string;
  /** True for a route at the server's root instead of `/api/v1`. */
  root?: boolean;
  /** Section of the documentation: a key of TAGS (./tags.ts). */
  tag: string;
  /** One line. */
  summary: string;
  description?: string;
  access: Access;
  /** It is about a team or the machine, so tokens of one app are refused, in every enforcement mode. */
  refusesAppTokens?: true;
  /** It is about the whole installation: beside its permission, a caller needs global scope. */
  isOfInstallation?: true;
  /** It is about the credential of the request: tokens with a limit may use it too. */
  isAboutCaller?: true;
  /** Pages of any site may read its answers, also refusals (CORS). It takes no cookie. */
  isForAnySite?: true;
  /** Its answer has a secret that is meant to be copied: read-only tokens may not read it. */
  revealsSecret?: true;
  /** Name of the path parameter that holds the app's name; found by itself for `name` below `/apps` and for `app`. */
  params?: TObject;
  query?: TObject;
  headers?: TObject;
  body?: TSchema;
  /** Its answers carry an ETag, which changes take as `If-Match`. Lists have one that needs no declaration. */
  hasEtag?: true;
  /** Media types of a file that may be sent as the body, as it is; the handler gets it as a stream, not yet bounded. */
  uploads?: readonly string[];
  /** Path of the GET for what it creates, where that is not below its own path. The last parameter names a field of the answer. */
  createdPath?: string;
  /**
   * Fields that the body’s schema doesn’t know: `refused`, or `ignored` and named in a `Warning` header. Refused by default where
   * something is created (status 201), because a misspelt limit would be none.
   */
  unknownFields?: 'refused' | 'ignored';
  /** The body may be absent altogether (treated as `{}`). */
  bodyOptional?: boolean;
  /** Success answers by status; the first is the default. A null schema is an empty body. */
  responses: Readonly<Record<number, TSchema | null>>;
  /** Codes of the error table that the operation can answer with, beside those of its access and validation. */
  errors?: readonly ErrorCode[];
  /** Bytes. Default: 100 KiB. */
  bodyLimit?: number;
  /** Media type of the answer where it is not JSON. */
  produces?: string;
  /** Further media types of it, e.g. for a parameter. */
  alsoProduces?: readonly string[];
  /** Attempts an address has: counted before anything else is looked at (daemon/identity/security/rate-limits.ts). */
  limit?: RateLimitClass;
  /** What the operation uses while it runs, of which each caller has a share (shared/rules/shares.ts). */
  share?: ShareClass;
  /**
   * Name of the change in the audit trail, `<resource>.<verb>`, e.g. `app.create`. Every operation but GET is written
   * to the trail, by its id where no name is given; `false` leaves it out.
   */
  audit?: string | false;
}

type Of<S> = S extends TSchema ? Static<S> : Record<never, never>;
export type ParamsOf<O extends Operation> = Of<O['params']>;
export type QueryOf<O extends Operation> = Of<O['query']>;
export type BodyOf<O extends Operation> = O['body'] extends TSchema ? Static<O['body']> : undefined;
type Responses<O extends Operation> = O['responses'][keyof O['responses']];
export type ResultOf<O extends Operation> =
  Responses<O> extends infer S ? (S extends TSchema ? Static<S> : undefined) : never;

/** Declares an operation, keeping its exact types. */
export function operation<const O extends Operation>(declaration: O): O {
  return declaration;
}

/** The path parameter that names an app, if the operation acts on one. */
export function appParamOf(op: Operation): 'name' | 'app' | undefined {
  if (/^\/apps\/\{name\}(\/|$)/.test(op.path)) return 'name';
  if (/^\/apps\/\{app\}(\/|$)/.test(op.path)) return 'app';
  return undefined;
}

/** Whether unknown fields of the body are an error. */
export const refusesUnknownFields = ({ unknownFields, responses }: Operation): boolean =>
  unknownFields === undefined ? Object.keys(responses)[0] === '201' : unknownFields === 'refused';

/** Whether a caller may send an `Idempotency-Key`: the request creates something, or a job. */
export const takesIdempotencyKey = ({ method, responses }: Operation): boolean =>
  method === 'POST' && (201 in responses || 202 in responses);
