import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Dispatcher, request } from 'undici';
import { operations } from '#shared/contract/index.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, MANY_ATTEMPTS, makeTeam, type Person } from '#test/helpers/people.ts';

/**
 * Every route × every kind of caller. What is expected is written down here by hand, from the written rules (roles,
 * tenancy, global routes), and not read from the contract in code: a route that declares the wrong access fails, and a
 * route that is not in the table fails too.
 */
const CALLERS = [
  'anonymous',
  'memberless',
  'viewer',
  'editor',
  'owner',
  'appToken',
  'siblingToken',
  'foreignOwner',
  'globalToken',
  'superadmin',
] as const;
type Caller = (typeof CALLERS)[number];
/** `pass`: neither 401 nor 403. */
type Expected = Record<Caller, number | 'pass'>;

const everyone = (value: number | 'pass'): Expected =>
  Object.fromEntries(CALLERS.map((caller) => [caller, value])) as Expected;
const PUBLIC = everyone('pass');
const BEARER: Expected = { ...PUBLIC, anonymous: 401 };
/** Any credential, but none of one app: it is about the team or the machine. */
const NO_APP_TOKENS: Expected = { ...BEARER, appToken: 403, siblingToken: 403 };
/** A person's session. */
const HUMAN: Expected = { ...BEARER, appToken: 403, siblingToken: 403, globalToken: 403 };
/** Owners of any team, each for the own one; superadmins and global tokens. */
const OWNER: Expected = { ...BEARER, memberless: 403, viewer: 403, editor: 403, appToken: 403, siblingToken: 403 };
const GLOBAL: Expected = { ...OWNER, owner: 403, foreignOwner: 403 };
/** On one app: the roles of its team from the given one up, its own token, nobody of another app or team. */
const app = (least: 'viewer' | 'editor' | 'owner'): Expected => ({
  ...BEARER,
  memberless: 403,
  viewer: least === 'viewer' ? 'pass' : 403,
  editor: least === 'owner' ? 403 : 'pass',
  siblingToken: 403,
  foreignOwner: 403,
});
/** On one's own team, whichever it is. */
const team = (least: 'viewer' | 'editor' | 'owner'): Expected => ({
  ...app(least),
  siblingToken: 'pass',
  foreignOwner: 'pass',
});

const EXPECTED: Record<string, Expected> = {
  // apps; somebody without a team sees an empty list, an app token makes no further app
  'GET /search': { ...team('viewer'), memberless: 'pass' },
  'GET /apps': { ...team('viewer'), memberless: 'pass' },
  'POST /apps': { ...team('editor'), appToken: 403, siblingToken: 403 },
  'GET /apps/{name}': app('viewer'),
  'GET /apps/{name}/sizes': app('viewer'),
  'PATCH /apps/{name}': app('editor'),
  'DELETE /apps/{name}': app('owner'),
  'GET /samples/{app}/{file}': PUBLIC,
  // config and presets
  'GET /apps/{app}/config': app('viewer'),
  'PATCH /apps/{app}/config': app('editor'),
  'GET /apps/{name}/config/raw': app('viewer'),
  'PUT /apps/{name}/config/raw': app('editor'),
  'POST /apps/{name}/config/raw/validate': app('viewer'),
  'POST /apps/{name}/config/preview': app('viewer'),
  'GET /apps/{name}/config/backups': app('viewer'),
  'GET /apps/{name}/config/backups/{ts}': app('viewer'),
  'POST /apps/{name}/config/backups/{ts}/revert': app('editor'),
  'POST /apps/{name}/reload': app('editor'),
  'GET /config/schema': PUBLIC,
  'GET /apps/{name}/presets': app('viewer'),
  'GET /apps/{name}/delivery': app('viewer'),
  'GET /apps/{name}/presets/{preset}/preview': app('viewer'),
  'POST /apps/{name}/presets/{preset}/apply': app('editor'),
  // storage
  'GET /apps/{name}/s3': app('viewer'),
  'PUT /apps/{name}/s3': app('editor'),
  'POST /apps/{name}/s3/test': app('editor'),
  'POST /apps/{name}/s3/bucket': app('editor'),
  'POST /apps/{name}/s3/cors': app('editor'),
  'GET /storage/providers': BEARER,
  // streams, recordings, callbacks of an app
  'GET /apps/{app}/stats': app('viewer'),
  'GET /apps/{app}/logs': app('viewer'),
  'GET /apps/{app}/logs/histogram': app('viewer'),
  'GET /apps/{app}/streams': app('viewer'),
  'GET /apps/{app}/streams/{id}': app('viewer'),
  'DELETE /apps/{app}/streams/{id}': app('editor'),
  'POST /apps/{app}/tokens': app('editor'),
  // rooms
  'GET /usage': { ...team('viewer'), appToken: 403, siblingToken: 403 },
  'GET /usage/export': { ...team('viewer'), appToken: 403, siblingToken: 403 },
  'GET /usage/nodes': GLOBAL,
  'GET /apps/{app}/usage': app('viewer'),
  'GET /sessions': team('viewer'),
  'GET /sessions/figures': team('viewer'),
  'GET /apps/{app}/sessions': app('viewer'),
  'GET /apps/{app}/sessions/export': app('viewer'),
  'GET /apps/{app}/sessions/figures': app('viewer'),
  'GET /apps/{app}/sessions/people': app('viewer'),
  'GET /apps/{app}/sessions/{id}': app('viewer'),
  'GET /apps/{app}/sessions/{id}/quality': app('viewer'),
  'GET /apps/{app}/sessions/{id}/quality/{stay}': app('viewer'),
  'POST /apps/{app}/telemetry': PUBLIC,
  'GET /rooms': team('viewer'),
  'GET /apps/{app}/rooms': app('viewer'),
  'POST /apps/{app}/rooms': app('editor'),
  'GET /apps/{app}/rooms/{room}': app('viewer'),
  'PATCH /apps/{app}/rooms/{room}': app('editor'),
  'DELETE /apps/{app}/rooms/{room}': app('editor'),
  'POST /apps/{app}/rooms/{room}/data': app('editor'),
  'POST /apps/{app}/rooms/{room}/watch': app('editor'),
  'GET /apps/{app}/rooms/{room}/participants/{identity}': app('viewer'),
  'PATCH /apps/{app}/rooms/{room}/participants/{identity}': app('editor'),
  'DELETE /apps/{app}/rooms/{room}/participants/{identity}': app('editor'),
  'POST /apps/{app}/rooms/{room}/participants/{identity}/move': app('editor'),
  'POST /apps/{app}/rooms/{room}/participants/{identity}/forward': app('editor'),
  'POST /apps/{app}/rooms/{room}/participants/{identity}/tracks/{track}/mute': app('editor'),
  // viewers; the app's public_playback or a join token decides
  'GET /apps/{app}/watch/{room}': PUBLIC,
  'POST /apps/{app}/watch/{room}/viewers': PUBLIC,
  'GET /apps/{app}/ingress': app('viewer'),
  'POST /apps/{app}/ingress': app('editor'),
  'GET /apps/{app}/ingress/{id}': app('viewer'),
  'GET /apps/{app}/ingress/{id}/key': app('editor'),
  'PATCH /apps/{app}/ingress/{id}': app('editor'),
  'DELETE /apps/{app}/ingress/{id}': app('editor'),
  'GET /apps/{app}/vods': app('viewer'),
  'POST /apps/{app}/vods/{id}/transcode': app('editor'),
  'GET /apps/{app}/vods/{id}': app('viewer'),
  'DELETE /apps/{app}/vods/{id}': app('editor'),
  // the link is the right
  'GET /apps/{app}/files/{file}': PUBLIC,
  'GET /apps/{app}/playlists/{file}': PUBLIC,
  'POST /apps/{app}/recording/start': app('editor'),
  'POST /apps/{app}/recording/{id}/stop': app('editor'),
  'POST /apps/{app}/streams/{id}/hls/start': app('editor'),
  'POST /apps/{app}/streams/{id}/hls/stop': app('editor'),
  'POST /apps/{app}/streams/{id}/record/start': app('editor'),
  'POST /apps/{app}/streams/{id}/record/stop': app('editor'),
  'GET /apps/{app}/callbacks': app('viewer'),
  'GET /apps/{app}/callbacks/deliveries': app('viewer'),
  'GET /apps/{app}/callbacks/deliveries/{id}': app('viewer'),
  'POST /apps/{app}/callbacks/deliveries/{id}/redeliver': app('editor'),
  'POST /apps/{app}/callbacks/redeliver': app('editor'),
  'POST /apps/{app}/callbacks/skip': app('editor'),
  'POST /apps/{app}/callbacks/test': app('editor'),
  'GET /apps/{app}/mqtt': app('viewer'),
  'POST /apps/{app}/mqtt/test': app('editor'),
  // jobs: of one's own apps; only who may delete an app may stop or repeat its deletion
  'GET /jobs': { ...team('viewer'), memberless: 'pass' },
  'GET /jobs/{id}': { ...team('viewer'), memberless: 'pass' },
  'POST /jobs/{id}/cancel': team('owner'),
  'POST /jobs/{id}/retry': team('owner'),
  // API tokens, cluster, settings, plugins: global scope
  'GET /tokens': GLOBAL,
  'POST /tokens': GLOBAL,
  'DELETE /tokens/{id}': GLOBAL,
  'GET /cluster/info': GLOBAL,
  'GET /cluster/nodes': GLOBAL,
  'GET /cluster/nodes/{id}': GLOBAL,
  'PATCH /cluster/nodes/{id}': GLOBAL,
  'DELETE /cluster/nodes/{id}': GLOBAL,
  'GET /cluster/settings': GLOBAL,
  'PATCH /cluster/settings': GLOBAL,
  'GET /cluster/placement': GLOBAL,
  'GET /cluster/history': GLOBAL,
  'GET /cluster/quality': GLOBAL,
  'GET /cluster/nodes/{id}/quality': GLOBAL,
  'GET /room-prefixes/held': GLOBAL,
  'DELETE /room-prefixes/held/{prefix}': GLOBAL,
  'GET /cluster/join-codes': GLOBAL,
  'POST /cluster/join-codes': GLOBAL,
  'DELETE /cluster/join-codes/{id}': GLOBAL,
  'GET /system/settings': GLOBAL,
  'PATCH /system/settings': GLOBAL,
  'POST /system/settings/undo': GLOBAL,
  'POST /system/connections/{connection}/test': GLOBAL,
  'POST /system/check': GLOBAL,
  'GET /system/check/probes/{nonce}': PUBLIC,
  'GET /system/livekit': GLOBAL,
  'GET /livekit': GLOBAL,
  'POST /livekit/start': GLOBAL,
  'POST /livekit/stop': GLOBAL,
  'POST /livekit/restart': GLOBAL,
  'GET /livekit/settings': GLOBAL,
  'PUT /livekit/settings': GLOBAL,
  'POST /livekit/settings/restore': GLOBAL,
  'POST /livekit/keys/rotate': GLOBAL,
  'POST /livekit/keys/retire': GLOBAL,
  'GET /plugins': GLOBAL,
  'POST /plugins': GLOBAL,
  'PUT /plugins/{id}': GLOBAL,
  'DELETE /plugins/{id}': GLOBAL,
  'POST /plugins/{id}/rollback': GLOBAL,
  'GET /plugins/{id}': GLOBAL,
  'POST /plugins/reload': GLOBAL,
  'POST /plugins/{id}/enable': GLOBAL,
  'POST /plugins/{id}/disable': GLOBAL,
  // what nodes and LiveKit call: no Bearer is of use there
  'POST /cluster/join': everyone(401),
  'POST /cluster/leave': everyone(401),
  'POST /cluster/heartbeat': everyone(401),
  'POST /webhooks/livekit': everyone(401),
  'GET /install.sh': PUBLIC,
  'GET /install/{sha256}/streamhub-edge.mjs': PUBLIC,
  // observability
  'GET /health': PUBLIC,
  'GET /ready': PUBLIC,
  'GET /stats': BEARER,
  'GET /stats/history': NO_APP_TOKENS,
  // alerts: rules and channels are the installation's, incidents those of one's apps
  'GET /alerts': GLOBAL,
  'POST /alerts': GLOBAL,
  'POST /cluster/nodes/{id}/upgrade': GLOBAL,
  'PATCH /alerts/{id}': GLOBAL,
  'DELETE /alerts/{id}': GLOBAL,
  'GET /alerts/conditions': GLOBAL,
  'GET /alerts/channels': GLOBAL,
  'POST /alerts/channels': GLOBAL,
  'PATCH /alerts/channels/{id}': GLOBAL,
  'DELETE /alerts/channels/{id}': GLOBAL,
  'POST /alerts/channels/{id}/test': GLOBAL,
  'GET /export': GLOBAL,
  'POST /plan': GLOBAL,
  'POST /apply': GLOBAL,
  'GET /rollback-points': GLOBAL,
  'POST /rollback-points/{id}/answer': GLOBAL,
  'GET /backups': GLOBAL,
  'POST /backups': GLOBAL,
  'GET /backups/plan': GLOBAL,
  'PATCH /backups/plan': GLOBAL,
  'DELETE /backups/pending-restore': GLOBAL,
  'GET /backups/storage': GLOBAL,
  'PUT /backups/storage': GLOBAL,
  'POST /backups/storage/test': GLOBAL,
  'DELETE /backups/storage': GLOBAL,
  'GET /backups/{id}': GLOBAL,
  'DELETE /backups/{id}': GLOBAL,
  'GET /backups/{id}/file': GLOBAL,
  'POST /backups/{id}/verify': GLOBAL,
  'POST /backups/{id}/restore': GLOBAL,
  'GET /incidents': team('viewer'),
  'GET /incidents/{id}': team('viewer'),
  'POST /incidents/{id}/acknowledge': team('owner'),
  'POST /incidents/{id}/silence': team('owner'),
  'POST /incidents/{id}/unsilence': team('owner'),
  'GET /stats/apps': { ...team('viewer'), memberless: 'pass' },
  'GET /logs': BEARER,
  'GET /logs/histogram': BEARER,
  'GET /logs/errors': BEARER,
  'GET /events': BEARER,
  'GET /system/gpu': BEARER,
  'POST /system/gpu/refresh': BEARER,
  'GET /metrics': everyone(404),
  // sign-in and account
  'GET /auth/config': PUBLIC,
  'POST /auth/login': PUBLIC,
  'POST /auth/signup': PUBLIC,
  'POST /auth/setup': PUBLIC,
  'POST /auth/magic-link': PUBLIC,
  'POST /auth/magic/verify': PUBLIC,
  'POST /auth/invite/preview': PUBLIC,
  'POST /auth/invite/accept': PUBLIC,
  'POST /auth/browser-session': BEARER,
  'POST /auth/sign-out': PUBLIC,
  'GET /auth/me': BEARER,
  'GET /auth/sessions': HUMAN,
  'DELETE /auth/sessions/{id}': HUMAN,
  'DELETE /auth/sessions': HUMAN,
  'GET /account': HUMAN,
  'PATCH /account': HUMAN,
  'POST /account/email/confirm': HUMAN,
  'POST /account/email/undo': PUBLIC,
  'POST /account/password': HUMAN,
  'POST /account/2fa/setup': HUMAN,
  'POST /account/2fa/enable': HUMAN,
  'POST /account/2fa/disable': HUMAN,
  'POST /account/2fa/recovery-codes': HUMAN,
  // teams
  'GET /teams/mine': { ...team('viewer'), appToken: 403, siblingToken: 403 },
  'PATCH /teams/mine': OWNER,
  'POST /teams/mine/members': OWNER,
  'PATCH /teams/mine/members/{userId}': OWNER,
  'DELETE /teams/mine/members/{userId}': OWNER,
  'GET /tenant/invites': OWNER,
  'POST /tenant/invites': OWNER,
  'DELETE /tenant/invites/{userId}': OWNER,
  // the team asked for is the caller's own, but for the foreign owner
  'GET /tenants/{id}/usage': { ...team('viewer'), foreignOwner: 403, appToken: 403, siblingToken: 403 },
  'GET /audit': OWNER,
  // the installation's people and its sign-in
  'GET /tenants': GLOBAL,
  'POST /tenants': GLOBAL,
  'PATCH /tenants/{id}': GLOBAL,
  'DELETE /tenants/{id}': GLOBAL,
  'GET /users': GLOBAL,
  'PATCH /users/{id}': GLOBAL,
  'DELETE /users/{id}': GLOBAL,
  'DELETE /users/{id}/sessions': GLOBAL,
  'POST /users/{id}/sign-in-link': GLOBAL,
  'GET /security': GLOBAL,
  'GET /security/check': GLOBAL,
  'GET /security/rules': GLOBAL,
  'POST /security/rules': GLOBAL,
  'DELETE /security/rules/{id}': GLOBAL,
  'GET /security/bans': GLOBAL,
  'POST /security/bans': GLOBAL,
  'DELETE /security/bans/{id}': GLOBAL,
};

const ENV = {
  ...MANY_ATTEMPTS,
  STREAMHUB_CLUSTER_TOKEN: 'cluster-token',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret-of-thirty-two-characters-x',
  LIVEKIT_URL: 'ws://127.0.0.1:9',
};
const APP = 'matrix';
const nameOf = (op: Operation): string => `${op.method} ${op.path}`;

interface World {
  daemon: TestDaemon;
  tenantId: string;
  owner: Person;
  credentials: Record<Caller, string | null>;
}

async function makeWorld(t: { after(fn: () => unknown): void }, env: Record<string, string> = {}): Promise<World> {
  const daemon = await testDaemon(t, { ...ENV, ...env });
  const root = await firstAdmin(daemon);
  const { id: tenantId, owner } = await makeTeam(daemon, 'matrix', { maxApps: -1 });
  const { owner: foreignOwner } = await makeTeam(daemon, 'foreign');
  await owner.api.post('/apps', { name: APP });
  await owner.api.post('/apps', { name: 'sibling' });
  const [viewer, editor, memberless] = await Promise.all([
    join(daemon, owner.api, 'viewer@example.com', 'viewer'),
    join(daemon, owner.api, 'editor@example.com', 'editor'),
    join(daemon, owner.api, 'memberless@example.com', 'viewer'),
  ]);
  await owner.api.delete(`/teams/mine/members/${memberless.id}`);
  const credentials: World['credentials'] = {
    anonymous: null,
    memberless: memberless.api.token,
    viewer: viewer.api.token,
    editor: editor.api.token,
    owner: owner.api.token,
    appToken: await appToken(daemon, APP),
    siblingToken: await appToken(daemon, 'sibling'),
    foreignOwner: foreignOwner.api.token,
    globalToken: daemon.token,
    superadmin: root.api.token,
  };
  return { daemon, tenantId, owner, credentials };
}

async function appToken(daemon: TestDaemon, name: string): Promise<string> {
  const appId = (await daemon.api.get(`/apps/${name}`)).body.id;
  return (await daemon.api.post('/tokens', { name, scope: 'app', appId })).body.token;
}

/** A deletion that is allowed happens: each has a separate app to delete. */
async function sacrifice({ daemon, owner }: World, caller: Caller, credential: string | null) {
  const name = `gone-${caller.toLowerCase()}`;
  assert.equal((await owner.api.post('/apps', { name })).status, 201);
  return { name, credential: caller === 'appToken' ? await appToken(daemon, name) : credential };
}

/**
 * One request. Anyone who should be refused sends a broken body: rights are tested before it is read. Anyone who should pass
 * sends one of the wrong form, so that nothing happens but the refusal of the input.
 */
async function ask(world: World, op: Operation, caller: Caller, expected: number | 'pass') {
  let credential = world.credentials[caller];
  let name = APP;
  if (nameOf(op) === 'DELETE /apps/{name}' && expected === 'pass') {
    ({ name, credential } = await sacrifice(world, caller, credential));
  }
  const values: Record<string, string> = {
    name,
    app: name,
    id: '999999',
    connection: 'mail',
    preset: 'no-such',
    ts: 'no-such',
  };
  if (nameOf(op) === 'GET /tenants/{id}/usage') {
    values['id'] = world.tenantId;
  }
  const path = op.path.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? 'no-such');
  const sendsBody = op.body !== undefined || (expected !== 'pass' && op.method !== 'GET');
  // `fetch` takes as long as the daemon, thousands of times
  const { statusCode, headers, body } = await request(`${world.daemon.url}${op.root ? '' : '/api/v1'}${path}`, {
    method: op.method as Dispatcher.HttpMethod,
    headers: {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(sendsBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(sendsBody ? { body: expected === 'pass' ? '[]' : '{broken' } : {}),
  });
  const isStream = String(headers['content-type']).startsWith('text/event-stream');
  const text = isStream ? '' : await body.text();
  if (isStream) body.on('error', () => {}).destroy();
  return { status: statusCode, text };
}

describe('every route × every kind of caller', () => {
  const scope = blockScope();
  let world: World;
  before(async () => {
    world = await makeWorld(scope);
  });

  test('the table and the contract name the same routes', () => {
    assert.deepEqual(Object.keys(EXPECTED).sort(), operations.map(nameOf).sort());
  });

  for (const op of operations) {
    test(nameOf(op), async () => {
      const expected = EXPECTED[nameOf(op)];
      assert.ok(expected, 'no expectation: add the route to the table, from the written rules');
      for (const caller of CALLERS) {
        const wanted: number | 'pass' = expected[caller];
        const { status, text } = await ask(world, op, caller, wanted);
        if (wanted === 'pass') {
          assert.ok(status !== 401 && status !== 403, `${caller} should pass, got ${status}: ${text}`);
          assert.ok(!text.includes('ROUTE_NOT_FOUND'), `no route answers ${nameOf(op)}`);
          assert.ok(status < 500 || status === 502 || status === 503, `${caller} got ${status}: ${text}`);
        } else assert.equal(status, wanted, `${caller}: ${text}`);
      }
    });
  }
});

/** Reads that change nothing, though they are no GET. */
const DRY_RUNS = ['POST /apps/{name}/config/raw/validate', 'POST /apps/{name}/config/preview'];
/** Reads that show a secret to copy. */
const SHOWS_SECRET = ['GET /cluster/info', 'GET /apps/{app}/ingress/{id}/key'];
/** About the credential itself. */
const OWN = ['GET /auth/me', 'POST /auth/browser-session'];

test('a limited token does on no route more than its limit says, in every enforcement mode', async (t) => {
  // where roles are not enforced, nothing but the limit refuses
  const world = await makeWorld(t, { STREAMHUB_AUTHZ_ENFORCE: 'off' });
  const token = async (more: object): Promise<string> =>
    (await world.daemon.api.post('/tokens', { name: 'limited', scope: 'global', ...more })).body.token;
  world.credentials.globalToken = await token({ readOnly: true });
  const readOnly = world.credentials;
  const limited = { ...readOnly, globalToken: await token({ permissions: ['vod:read', 's3:write'] }) };
  for (const op of operations) {
    const name = nameOf(op);
    const expected = EXPECTED[name] as Expected;
    if (expected === PUBLIC || expected.globalToken !== 'pass' || name === 'DELETE /apps/{name}') continue;
    if (['cluster-token', 'webhook', 'metrics'].includes(String(op.access))) continue;
    const isOwn = OWN.includes(name);
    const reads = (op.method === 'GET' && !SHOWS_SECRET.includes(name)) || DRY_RUNS.includes(name) || isOwn;
    const isNamed = ['/vods', '/vods/{id}'].some((end) => name === `GET /apps/{app}${end}`);
    const writes = /^(?:PUT|POST) \/apps\/\{name\}\/s3(?:\/|$)/.test(name);
    for (const [credentials, may] of [
      [readOnly, reads],
      [limited, isNamed || writes || isOwn],
    ] as const) {
      const { status, text } = await ask({ ...world, credentials }, op, 'globalToken', may ? 'pass' : 403);
      if (may) assert.ok(status !== 401 && status !== 403, `${name} ${status}: ${text}`);
      else assert.deepEqual([status, JSON.parse(text).code], [403, 'TOKEN_LIMITED'], `${name}: ${text}`);
    }
  }
});

describe('STREAMHUB_AUTHZ_ENFORCE', () => {
  for (const mode of ['log', 'off']) {
    test(`${mode}: roles and isolation are not enforced; all that is independent of the mode is`, async (t) => {
      const world = await makeWorld(t, { STREAMHUB_AUTHZ_ENFORCE: mode });
      const relaxed = new Set<Caller>(['viewer', 'editor', 'siblingToken', 'foreignOwner']);
      for (const op of operations) {
        const expected = EXPECTED[nameOf(op)] as Expected;
        const isFixed =
          expected === OWNER || expected === GLOBAL || expected === HUMAN || op.path === '/tenants/{id}/usage';
        const isTokenFixed = op.refusesAppTokens === true;
        // what asks for the cluster's token or LiveKit's signature knows no roles
        if (
          nameOf(op) === 'DELETE /apps/{name}' ||
          expected.anonymous !== 401 ||
          ['cluster-token', 'webhook'].includes(String(op.access))
        )
          continue;
        for (const caller of ['anonymous', 'viewer', 'siblingToken', 'foreignOwner', 'globalToken'] as const) {
          const isRelaxed = relaxed.has(caller) && !isFixed && !(caller === 'siblingToken' && isTokenFixed);
          const wanted = isRelaxed ? 'pass' : expected[caller];
          const { status, text } = await ask(world, op, caller, wanted);
          if (wanted === 'pass') assert.ok(![401, 403].includes(status), `${nameOf(op)} ${caller} ${status}: ${text}`);
          else assert.equal(status, wanted, `${nameOf(op)} ${caller}: ${text}`);
        }
      }
      // the list of apps is the own team's in every mode
      const seen = (await world.daemon.api.as(world.credentials.foreignOwner).get('/apps')).body;
      assert.deepEqual(seen, []);
    });
  }

  test('an unknown word means on', async (t) => {
    const world = await makeWorld(t, { STREAMHUB_AUTHZ_ENFORCE: 'perhaps' });
    const viewer = world.daemon.api.as(world.credentials.viewer);
    assert.equal((await viewer.delete(`/apps/${APP}`)).status, 403);
    assert.equal((await world.daemon.api.get('/security')).body.data.authzEnforce, 'on');
  });
});
