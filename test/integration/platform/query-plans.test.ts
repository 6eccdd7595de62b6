// own process: it watches each statement that a database of this process is asked
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { firstAdmin, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';

/** Database file → every statement that was prepared for it. */
const seen = new Map<string, Set<string>>();
const prepare = Database.prototype.prepare;
Database.prototype.prepare = function (this: Database.Database, sql: string) {
  const kind = path.basename(this.name);
  if (!seen.has(kind)) seen.set(kind, new Set());
  seen.get(kind)?.add(sql);
  return prepare.call(this, sql);
} as typeof prepare;

/** What may read a whole table, or sort what it found, and why. */
const ALLOWED: readonly [RegExp, string][] = [
  [/FROM (?:sqlite_master|schema_migrations)/, 'at the opening of a file'],
  [
    /(?:FROM|JOIN|INTO) (?:api_tokens|cluster_\w+|plugin_\w+|ip_rules|ip_bans|config_changes)\b/,
    'some hundred rows at most, read at the start or by an operator',
  ],
  [/FROM (?:users|memberships|tenants)\b/, 'people and teams of one installation, read by an operator'],
  [/FROM released_prefixes ORDER/, 'at most a hundred a team, read at the start and when an app gives one up'],
  [/FROM ingress_closed/, 'the paused ingests of one app, read when its config turns RTMP on'],
  [/^WITH RECURSIVE found/, 'some hundred identities or rooms at most, each looked up in an index'],
  [
    /FROM room_(?:sessions|stays|tracks) WHERE .*json_each/,
    'a list of ids that the daemon gives; their rows are looked up',
  ],
  [/DELETE FROM room_stays .*left_at IS NOT NULL ORDER BY id/, 'the oldest, in the order of the table'],
  [/FROM room_sessions WHERE started_at >= \? AND started_at < \? GROUP BY room/, 'sums the sessions of one day'],
  [/FROM \(SELECT is_counted/, 'at most fifty connections of one identity'],
  [/FROM incidents\b/, 'at most 20,000, read by people'],
  [
    /(?:FROM|INTO|UPDATE) alert_(?:rules|channels|silences)\b/,
    'at most some hundred rows, read at the start or by an operator',
  ],
  [/FROM backups ORDER/, 'the newest thousand, in the order of the table'],
  [
    /FROM backups WHERE destination/,
    'when a backup is deleted or the storage of backups changes; a row for each backup',
  ],
  [/FROM backups WHERE origin/, 'those of the schedule, in the order of the table; what is old is deleted'],
  [/FROM settings/, 'at most one row for each setting'],
  [/FROM vod_encoders WHERE .*egress_id IS NULL/, 'orders that LiveKit has not answered yet'],
  [/DELETE FROM links/, 'links live for three days at most'],
  [/FROM jobs WHERE state IN/, 'jobs that are not over'],
  [/FROM vods WHERE (?:status IN|room = \?)/, 'recordings that run'],
  [/FROM ingress_sessions\b/, 'ingests that run'],
  [/FROM vods\s+WHERE .*LIKE/, 'a text is looked for in every name'],
  [/FROM audit WHERE \((?:actor_id|action)/, 'sorts what an index found'],
  [/FROM vods?(?:_variants)?$/, 'the purge looks once whether rows came meanwhile'],
  [
    /FROM (?:jobs|callback_outbox|mqtt_outbox) (?:ORDER|GROUP)/,
    'a page in the order of the table; jobs over are dropped after a while',
  ],
];

const SESSION_FILTERS = [
  '',
  'room=x',
  'identity=x',
  'q=x',
  'errors=1',
  'running=1',
  'since=2020-01-01',
  'errors=1&q=x&room=y',
];

const LISTS = [
  ...SESSION_FILTERS.map((q) => `/apps/live/sessions?${q}`),
  ...['', 'q=a', 'faults=1'].map((q) => `/apps/live/sessions/RM_live?${q}`),
  ...[
    '/usage',
    '/apps/live/usage',
    '/usage/nodes',
    '/sessions',
    '/sessions?app=live&errors=1',
    '/sessions/figures',
    '/apps/live/sessions/people?identity=ana',
  ],
  ...['of=participants', 'format=jsonl&identity=ana'].map((q) => `/apps/live/sessions/export?${q}`),
  ...['', 'state=failed', 'state=active', 'app=live', 'kind=app-delete', 'state=failed&app=live'].map(
    (q) => `/jobs?${q}`,
  ),
  ...['', 'action=app.create', 'actor=x&since=2020-01-01T00:00:00Z', 'app=live', 'target=x', 'outcome=refused'].map(
    (q) => `/audit?${q}`,
  ),
  ...['', 'status=all', 'status=ended', 'status=all&room=x', 'status=active&room=x'].map(
    (q) => `/apps/live/streams?${q}`,
  ),
  ...['', 'status=ready', 'room=x', 'status=ready&room=x', 'q=a'].map((q) => `/apps/live/vods?${q}`),
  ...['', 'state=dead', 'event=vod_ready', 'state=dead&event=vod_ready'].map(
    (q) => `/apps/live/callbacks/deliveries?${q}`,
  ),
  ...[
    '/apps/live/stats',
    '/apps/live/sizes',
    '/apps/live/callbacks',
    '/apps/live/config/backups',
    '/incidents?open=true',
    ...['', 'open=false', 'severity=critical', 'condition=job-failed', 'app=live', 'since=2026-01-01'].map(
      (q) => `/incidents?${q}`,
    ),
    '/users?q=a',
    '/tenants',
  ],
  ...[
    '/security',
    '/security/check?ip=203.0.113.1',
    '/teams/mine',
    '/tenant/invites',
    '/auth/sessions',
    '/stats',
    '/search?q=a',
  ],
  '/tenants/platform/usage',
];

test('no statement reads a growing table from end to end', async (t) => {
  const daemon = await testDaemon(t, {
    ...MANY_ATTEMPTS,
    ...LIVEKIT_KEYS,
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    STREAMHUB_CLUSTER_TOKEN: 'c'.repeat(32),
  });
  const root = await firstAdmin(daemon);
  const { owner } = await makeTeam(daemon, 'plans');
  assert.equal((await owner.api.post('/apps', { name: 'plans' })).status, 201);
  await daemon.api.patch('/apps/live', { callbackUrl: 'http://127.0.0.1:9/x' });
  const parts = { room: room('live'), participant: participant('ana') };
  const sign = { key: LIVEKIT_KEYS.LIVEKIT_API_KEY, secret: LIVEKIT_KEYS.LIVEKIT_API_SECRET };
  await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_plans') }), sign);
  for (const api of [daemon.api, owner.api, root.api]) for (const url of LISTS) await api.get(url);
  await daemon.api.delete('/apps/live?deleteVods=true');

  const found: string[] = [];
  let judged = 0;
  for (const [kind, db] of [
    ['streamhub.db', daemon.services.db],
    ['app.db', daemon.services.databases.get('plans')],
  ] as const) {
    for (const sql of seen.get(kind) ?? []) {
      if (/^\s*(?:CREATE|PRAGMA|VACUUM|EXPLAIN)/i.test(sql)) continue;
      judged += 1;
      const words = sql.replace(/\s+/g, ' ').trim();
      const faults = planOf(db, sql).filter(
        (step) =>
          (/^SCAN/.test(step) && !/CONSTANT ROW|USING (?:COVERING )?INDEX/.test(step)) ||
          /TEMP B-TREE FOR (?:ORDER|GROUP)/.test(step),
      );
      if (faults.length > 0 && !ALLOWED.some(([allowed]) => allowed.test(words)))
        found.push(`${kind}: ${words}\n  ${faults.join('; ')}`);
    }
  }
  assert.ok(judged > 120, `only ${judged} statements were seen`);
  assert.deepEqual(found, []);
});

test('the usual lists look up an index for each filter', async (t) => {
  const daemon = await testDaemon(t);
  const db = daemon.services.databases.get('live');
  const plan = (sql: string) => planOf(db, sql).join('; ');
  assert.match(
    plan('SELECT count(*) FROM streams WHERE status = @status'),
    /SEARCH streams USING COVERING INDEX streams_status/,
  );
  assert.match(plan('SELECT 1 FROM vods WHERE name = ?'), /SEARCH vods USING COVERING INDEX vods_name/);
  assert.match(
    plan('SELECT count(*) AS count, coalesce(sum(size_bytes), 0) AS bytes FROM vods'),
    /SCAN vods USING COVERING INDEX vods_sums/,
  );
});

function planOf(db: Database.Database, sql: string): string[] {
  const names = [...sql.matchAll(/[@:$]([a-z]\w*)/gi)].map(([, name]) => name as string);
  const marks = (sql.match(/\?/g) ?? []).map(() => null);
  const plan = prepare.call(db, `EXPLAIN QUERY PLAN ${sql}`) as Database.Statement<unknown[], { detail: string }>;
  const rows = names.length > 0 ? plan.all(Object.fromEntries(names.map((name) => [name, null]))) : plan.all(...marks);
  return rows.map(({ detail }) => detail);
}
