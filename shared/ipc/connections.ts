import { type Static, Type } from 'typebox';
import { AuthContext } from '../schema/auth.ts';
import { Instant, nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { IpcError } from './outcome.ts';

export const ConnectionId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' });
const ConnectionName = Type.String({
  minLength: 1,
  maxLength: 320,
  description: 'Name that the operator gave.',
});
const Colour = Type.String({
  pattern: '^(#[0-9a-f]{6}|[a-z]{1,24})$',
  description: 'Color of its tile: a color name of the palette, or `#rrggbb`.',
});
const Url = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: 'As entered: a URL, or a host with or without a port.',
});
/** SHA-256 over the whole certificate, as `AB:CD:…`. */
const Fingerprint = Type.String({ pattern: '^([0-9A-F]{2}:){31}[0-9A-F]{2}$' });

/** Operations whose answer is a session: the main process alone makes these requests and keeps what comes back. */
export const SESSION_PATHS = [
  '/api/v1/auth/login',
  '/api/v1/auth/signup',
  '/api/v1/auth/setup',
  '/api/v1/auth/magic/verify',
  '/api/v1/auth/invite/accept',
] as const;

/** What a person signs in with. It crosses this border once, inwards, and never comes back. */
export const Credential = Type.Union([
  object({ kind: Type.Literal('token'), token: Type.String({ minLength: 1, maxLength: 4096 }) }),
  object({
    kind: Type.Literal('password'),
    user: Type.String({ minLength: 1, maxLength: 200 }),
    password: Type.String({ minLength: 1, maxLength: 200 }),
    code: Type.Optional(Type.String({ maxLength: 32, description: 'Second factor, if the account has one.' })),
  }),
  object({
    kind: Type.Literal('exchange'),
    path: oneOf(SESSION_PATHS, { description: 'Setup link, invitation, sign-up or mailed link.' }),
    body: Type.Record(Type.String(), Type.Unknown(), { description: 'Body of that operation.' }),
  }),
]);
export type Credential = Static<typeof Credential>;

/** Where the credential is to be kept. `session` = in memory, gone when the app quits. */
export const Keep = oneOf(['keychain', 'session'] as const);
export type Keep = Static<typeof Keep>;

export const Certificate = object({
  fingerprint: Fingerprint,
  subject: Type.String(),
  issuer: Type.String(),
  validFrom: Instant,
  validTo: Instant,
  names: Type.Array(Type.String(), { description: 'Host names and addresses that it is valid for.' }),
  /** Signed by itself, not by an authority. */
  selfSigned: Type.Boolean(),
});
export type Certificate = Static<typeof Certificate>;

/**
 * - `connecting`: not reached yet since the app started, nothing failed so far
 * - `online`: reached and signed in
 * - `offline`: not reached; it is tried again at `nextTryAt`
 * - `signed-out`: reached, but there is no credential that it accepts: `connections.signIn`
 * - `untrusted`: its certificate is unknown or changed: `connections.trust`
 * - `locked`: the keychain that holds the credential is locked: `keychain.unlock`
 * - `unusable`: something answers, but no daemon of a version that this app speaks to
 */
export const ConnectionStatus = oneOf([
  'connecting',
  'online',
  'offline',
  'signed-out',
  'untrusted',
  'locked',
  'unusable',
] as const);
export type ConnectionStatus = Static<typeof ConnectionStatus>;

export const ConnectionState = object({
  status: ConnectionStatus,
  since: Instant,
  /** Last time the daemon answered; kept over restarts of the app. The age of everything shown is counted from here. */
  lastSeenAt: nullable(Instant),
  latencyMs: nullable(Type.Number()),
  version: nullable(Type.String()),
  /** Whom the daemon takes the credential for (`GET /auth/me`). */
  account: nullable(AuthContext),
  /** The event stream is open; without it health is polled. */
  live: Type.Boolean(),
  /** The newest failure, kept until the next success. */
  error: nullable(object({ ...IpcError.properties, at: Instant })),
  /** Failed attempts in a row. */
  attempts: Type.Integer(),
  nextTryAt: nullable(Instant),
  /** The certificate that was met, when the status is `untrusted`. */
  certificate: nullable(Certificate),
});
export type ConnectionState = Static<typeof ConnectionState>;

export const Connection = object({
  id: ConnectionId,
  name: ConnectionName,
  /** Base address without `/api/v1`, e.g. `https://stream.example.com`. */
  url: Type.String(),
  colour: Colour,
  /** `local`: the daemon that this app started on this machine. */
  kind: oneOf(['remote', 'local'] as const),
  credential: object({
    kind: oneOf(['token', 'password', 'session'] as const),
    user: nullable(Type.String()),
    kept: oneOf(['keychain', 'session', 'none'] as const),
  }),
  pinned: nullable(object({ fingerprint: Fingerprint, since: Instant })),
  addedAt: Instant,
  state: ConnectionState,
});
export type Connection = Static<typeof Connection>;

/** One step of a connection test. `cure` says what to do about a failure. */
export const TestStep = object({
  number: Type.Integer({ minimum: 1 }),
  id: oneOf(['resolve', 'reach', 'tls', 'version', 'sign-in', 'rights'] as const),
  title: Type.String(),
  status: oneOf(['passed', 'warning', 'failed', 'skipped'] as const),
  message: Type.String(),
  cure: nullable(Type.String()),
  ms: Type.Number(),
});
export type TestStep = Static<typeof TestStep>;

export const TestReport = object({
  ok: Type.Boolean(),
  /** The address that was tested, completed from what was typed. */
  url: Type.String(),
  steps: Type.Array(TestStep),
  certificate: nullable(Certificate),
  /** True when only the certificate is in the way: show its fingerprint, then pass it along. */
  needsTrust: Type.Boolean(),
  version: nullable(Type.String()),
  account: nullable(AuthContext),
  /** The daemon knows `POST /auth/login`. */
  passwordSignIn: Type.Boolean(),
});
export type TestReport = Static<typeof TestReport>;

/** What the last good look at a daemon showed; kept over restarts of the app. */
export const Snapshot = object({
  at: Instant,
  /** Answer of `GET /stats`. */
  stats: nullable(Type.Unknown()),
  /** Answer of `GET /cluster/nodes` (its `data`), null without the right to it. */
  nodes: nullable(Type.Unknown()),
  /** The open incidents of `GET /incidents` (its `data`). Absent without the right to them, and in older files. */
  incidents: Type.Optional(Type.Unknown()),
});
export type Snapshot = Static<typeof Snapshot>;

const one = object({ id: ConnectionId });

export const connections = {
  calls: {
    list: call(
      'All connections, in order. `problem` reports a connections file that could not be read and was set aside.',
      object({}),
      object({
        connections: Type.Array(Connection),
        problem: nullable(object({ message: Type.String(), keptAs: nullable(Type.String()) })),
      }),
    ),
    add: call(
      'Adds a daemon at the end of the list and connects to it. A password is exchanged for a session immediately, so the daemon must be reachable. A token is only stored.',
      object({
        url: Url,
        name: Type.Optional(ConnectionName),
        colour: Type.Optional(Colour),
        credential: Credential,
        keep: Keep,
        fingerprint: Type.Optional(Fingerprint),
      }),
      Connection,
    ),
    test: call(
      'Tests a connection or a new address step by step; reports which step failed and what to do. Steps are also sent as `testStep` with `testId`.',
      object({
        testId: Type.Optional(Type.String({ maxLength: 64 })),
        target: Type.Union([
          object({ id: ConnectionId }),
          object({
            url: Url,
            credential: Type.Optional(Credential),
            fingerprint: Type.Optional(Fingerprint),
          }),
        ]),
      }),
      TestReport,
    ),
    stopTest: call('Stops a running test; it ends with CANCELLED.', object({ testId: Type.String() }), Type.Null()),
    update: call(
      'Changes the name or color.',
      object({ id: ConnectionId, name: Type.Optional(ConnectionName), colour: Type.Optional(Colour) }),
      Connection,
    ),
    reorder: call(
      'Sets the order of the connections; every id must be listed once.',
      object({ ids: Type.Array(ConnectionId) }),
      Type.Null(),
    ),
    remove: call('Deletes the connection and its credential.', one, Type.Null()),
    signIn: call(
      'Replaces the credential. With only a `code`, the stored password is used again.',
      object({
        id: ConnectionId,
        credential: Type.Union([
          ...Credential.anyOf,
          object({ kind: Type.Literal('code'), code: Type.String({ minLength: 1, maxLength: 32 }) }),
        ]),
        keep: Keep,
      }),
      Connection,
    ),
    signOut: call('Ends the session and deletes the credential; the connection stays.', one, Connection),
    trust: call(
      'Pins the certificate with this fingerprint, after someone has compared it.',
      object({ id: ConnectionId, fingerprint: Fingerprint }),
      Connection,
    ),
    retry: call('Tries to connect now instead of at `nextTryAt`.', one, Type.Null()),
    snapshot: call('The last known state of a daemon, with its age.', one, nullable(Snapshot)),
  },
  pushes: {
    changed: push('The list, the order, a name or a color changed.', object({ connections: Type.Array(Connection) })),
    state: push('The state of one connection changed.', object({ id: ConnectionId, state: ConnectionState })),
    testStep: push('A step of a running test has finished.', object({ testId: Type.String(), step: TestStep })),
  },
};
