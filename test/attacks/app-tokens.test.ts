import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { appParamOf, type Operation } from '#shared/contract/operation.ts';
import { blockScope, type Client, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();

/** Is in the name of everything that a token of the app `mine` must not see. */
const MARKER = 'xq7';
const nameOf = (op: Operation): string => `${op.method} ${op.path}`;

/** What a token of one app gets from the routes without an app in their path; any other route refuses it with 403. */
const OPEN: Record<string, string> = {
  'GET /apps': 'its app',
  'GET /search': 'what is found in its app',
  'GET /jobs': 'jobs of its app',
  'GET /jobs/{id}': 'a job of its app, else 404',
  'POST /jobs/{id}/cancel': 'a job of its app, else 404',
  'POST /jobs/{id}/retry': 'a job of its app, else 404',
  'GET /rooms': 'rooms of its app',
  'GET /incidents': 'incidents of its app',
  'GET /incidents/{id}': 'an incident of its app, else 404',
  'POST /incidents/{id}/acknowledge': 'an incident of its app, else 404',
  'POST /incidents/{id}/silence': 'an incident of its app, else 404',
  'POST /incidents/{id}/unsilence': 'an incident of its app, else 404',
  'GET /sessions': 'sessions of its app',
  'GET /sessions/figures': 'figures of its app',
  'GET /logs': 'rows of its app',
  'GET /logs/histogram': 'rows of its app',
  'GET /logs/errors': 'errors of its app',
  'GET /events': 'events of its app',
  'GET /stats': 'counts of its app, nothing of the machine',
  'GET /stats/apps': 'figures of its app',
  'GET /system/gpu': 'whether there is one',
  'POST /system/gpu/refresh': 'whether there is one',
  'GET /auth/me': 'itself',
  'GET /storage/providers': 'what its storage can be',
};

/** No LiveKit is configured here; test/integration/media/rooms.livekit.test.ts reads rooms. */
const statusOf = (path: string): number => (path === '/rooms' ? 503 : /^\/(?:jobs|incidents)\//.test(path) ? 404 : 200);

describe('a token of one app, on every route without an app in its path', () => {
  let daemon: TestDaemon;
  let token: Client;
  let owner: Client;
  const ids = { app: 0, job: 0, tenant: '' };
  const unseen = (answer: string, what: string): void => {
    assert.ok(!answer.includes(MARKER), `${what}: ${answer.slice(0, 500)}`);
    assert.ok(!answer.includes(`"appId":${ids.app},`), `${what}: ${answer.slice(0, 500)}`);
  };

  before(async () => {
    daemon = await testDaemon(scope, {
      ...MANY_ATTEMPTS,
      LOG_LEVEL: 'info',
      STREAMHUB_CLUSTER_TOKEN: `cluster-${MARKER}`,
    });
    await firstAdmin(daemon, `root-${MARKER}@example.com`);
    // the marker is in the owner's address; the team's own name is known to its token
    const team = await makeTeam(daemon, `${MARKER}-crew`, { maxApps: -1 });
    await team.owner.api.patch('/teams/mine', { name: 'crew' });
    owner = team.owner.api;
    ids.tenant = team.id;
    const mine = (await owner.post('/apps', { name: 'mine' })).body;
    const sibling = await owner.post('/apps', { name: `sibling-${MARKER}`, displayName: `Sibling ${MARKER}` });
    ids.app = sibling.body.id;
    const stranger = (await makeTeam(daemon, `stranger-${MARKER}`)).owner.api;
    await stranger.post('/apps', { name: `stranger-${MARKER}` });
    token = daemon.api.as((await daemon.api.post('/tokens', { name: 't', scope: 'app', appId: mine.id })).body.token);

    for (const name of [`sibling-${MARKER}`, `stranger-${MARKER}`]) {
      daemon.services.log.child({ app: name, source: 'jobs' }).warn(`upload of ${name} stalled`);
      daemon.services.databases
        .get(name)
        .prepare(
          "INSERT INTO streams (app_id, stream_id, type, room, status, started_at) VALUES (1, ?, 'webrtc', ?, 'active', '2026-01-01T00:00:00.000Z')",
        )
        .run(`s-${name}`, `${name}-room`);
    }
    daemon.services.log.warn(`a line of no app ${MARKER}`);
    daemon.services.log.child({ app: 'mine', source: 'jobs' }).warn('upload of mine');
    const gone = await owner.post('/apps', { name: `gone-${MARKER}` });
    assert.equal(gone.status, 201);
    const job = await owner.call('DELETE', `/apps/gone-${MARKER}`, undefined, { prefer: 'respond-async' });
    ids.job = job.body.data.id;
    await owner.patch(`/apps/sibling-${MARKER}`, { displayName: `Changed ${MARKER}` });
    await until('the lines are written', async () => (await daemon.api.get('/logs?q=stalled')).body.total === 2);
  });

  const walked = operations.filter((op) => appParamOf(op) === undefined && isBehindBearer(op));

  test('the table names only routes that there are', () => {
    const names = new Set(walked.map(nameOf));
    assert.deepEqual(
      Object.keys(OPEN).filter((name) => !names.has(name)),
      [],
    );
  });

  for (const op of walked)
    test(nameOf(op), async () => {
      if (nameOf(op) === 'GET /events') return;
      const values: Record<string, string> = {
        id: /^\/(?:jobs|incidents)/.test(op.path) ? String(ids.job) : ids.tenant,
      };
      const path = op.path.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? MARKER);
      const query = op.path.startsWith('/logs')
        ? ['', `?app=sibling-${MARKER}`, `?q=stalled`]
        : op.path === '/search'
          ? ['?q=s', '?q=sibling', '?q=stranger']
          : [''];
      for (const suffix of query) {
        const { status, text } = await token.call(op.method, path + suffix, op.body ? { seconds: 60 } : undefined);
        unseen(text, nameOf(op));
        if (OPEN[nameOf(op)] === undefined) assert.equal(status, 403, `${nameOf(op)}: ${text}`);
        else assert.equal(status, statusOf(op.path), text);
      }
    });

  test('every count is its own', async () => {
    const stats = (await token.get('/stats')).body;
    assert.deepEqual(
      [stats.counts, stats.host, stats.disk, stats.memory.totalBytes, stats.cpu.cores, stats.storage.dbSizeBytes],
      [{ apps: 1, rooms: 0, activeStreams: 0 }, false, null, 0, 0, 0],
    );
    assert.deepEqual((await token.get('/system/gpu')).body.devices, []);
    const apps = (await token.get('/apps')).body.map(({ name }: { name: string }) => name);
    assert.deepEqual(apps, ['mine']);
    const logs = (await token.get('/logs?limit=1000')).body;
    assert.ok(logs.total > 0 && logs.data.length === logs.total);
    const rows = (await token.get('/logs/histogram')).body.data;
    assert.equal(sumOf(rows), logs.total);
    assert.equal((await token.get('/jobs')).body.total, 0);
  });

  test('a person’s counts are those of the team, and of the machine the load', async () => {
    const stats = (await owner.get('/stats')).body;
    assert.deepEqual([stats.counts.apps, stats.counts.activeStreams, stats.host], [2, 1, undefined]);
    assert.ok(stats.memory.totalBytes > 0);
    const { lines } = (await owner.get('/stats/history')).body.data;
    assert.deepEqual([lines.streams, lines.rooms], [undefined, undefined]);
    assert.ok((await daemon.api.get('/stats')).body.counts.apps >= 4);
  });

  test('events, also those from before', async () => {
    const cut = new AbortController();
    const response = await fetch(`${daemon.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${token.token}`, 'last-event-id': '0' },
      signal: cut.signal,
    });
    assert.equal(response.status, 200);
    await owner.patch(`/apps/sibling-${MARKER}`, { displayName: `Again ${MARKER}` });
    await owner.post(`/apps/sibling-${MARKER}/reload`);
    await daemon.api.patch('/apps/mine', { displayName: 'The last one' });
    let seen = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      seen += decoder.decode(chunk, { stream: true });
      if (/"app":"mine"/.test(seen) && seen.includes('config.changed')) break;
    }
    cut.abort();
    unseen(seen, 'events');
  });

  test('also where permissions are not enforced', async (t) => {
    const lax = await testDaemon(t, { STREAMHUB_AUTHZ_ENFORCE: 'off' });
    const appId = (await lax.api.post('/apps', { name: 'mine' })).body.id;
    const one = lax.api.as((await lax.api.post('/tokens', { name: 't', scope: 'app', appId })).body.token);
    assert.deepEqual(
      (await one.get('/apps')).body.map(({ name }: { name: string }) => name),
      ['mine'],
    );
    for (const path of ['/teams/mine', '/tenants/platform/usage', '/stats/history'])
      assert.equal((await one.get(path)).body.code, 'APP_TOKEN_REFUSED', path);
  });
});

/** Routes that a Bearer credential opens at all. */
function isBehindBearer({ access }: Operation): boolean {
  return typeof access === 'object' || !['public', 'cluster-token', 'webhook', 'metrics'].includes(access);
}

/** Sum of all counts of a histogram, over all levels. */
function sumOf(histogram: { buckets: { counts: Record<string, number> }[] }): number {
  return histogram.buckets.flatMap(({ counts }) => Object.values(counts)).reduce((a, b) => a + b, 0);
}
