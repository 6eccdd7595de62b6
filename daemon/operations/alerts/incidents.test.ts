import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { CONDITION_IDS, type ConditionId } from '#shared/rules/conditions.ts';
import type { ChannelKind } from '#shared/schema/alerts.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { AlertChannels } from './channels.ts';
import type { Fact } from './facts.ts';
import { Incidents } from './incidents.ts';
import type { Notice } from './notice.ts';
import { Notifier } from './notifier.ts';
import { alertRepository, type IncidentRow } from './repository.ts';
import { AlertRules } from './rules.ts';

const KNOWN = new Set<ConditionId>(CONDITION_IDS);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function setUp(t: TestContext, kinds: readonly ChannelKind[] = ['webhook']) {
  const db = new Database(':memory:');
  migrate(db, registryMigrations);
  db.exec("DELETE FROM alert_channels; DELETE FROM sqlite_sequence WHERE name = 'alert_channels'");
  const clock = new ManualClock(Date.parse('2026-01-10T12:00:00.000Z'));
  const bus = new EventBus((error) => assert.fail(String(error)));
  const events: string[] = [];
  bus.subscribe(({ type, data }) => events.push(`${type} ${'text' in data ? data.text : ''}`));
  const repository = alertRepository(db);
  const secrets = new Map<string, string>();
  for (const kind of kinds)
    repository.addChannel(
      kind,
      JSON.stringify({ name: kind, enabled: true, minSeverity: 'warning', maxPerHour: 5, to: [] }),
      '',
    );
  const rules = new AlertRules(repository);
  const channels = new AlertChannels({
    repository,
    secrets: {
      get: (name) => secrets.get(name),
      set: async (changes) => {
        for (const [name, value] of Object.entries(changes)) secrets.set(name, value ?? '');
      },
    },
    policy: { denyPrivate: false },
    rules,
  });
  const background = testBackground();
  /** As after a start of the daemon. */
  const start = () => {
    const store = { isBroken: false };
    const incidents = new Incidents({
      repository: {
        ...repository,
        store: (...args) => {
          if (store.isBroken) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
          repository.store(...args);
        },
      },
      rules: () => rules.list(),
      bus,
      background,
      clock,
    });
    const notifier = new Notifier({
      repository,
      incidents,
      channels,
      rules: () => rules.list(),
      base: () => 'https://hub.example.com',
      background,
      clock,
      onStored: () => {},
    });
    t.after(() => notifier.stop());
    /** Looks at the facts, and tells what has waited for long enough. */
    const look = (facts: readonly Fact[], known: ReadonlySet<ConditionId> = KNOWN): void => {
      incidents.update({ facts, known });
      notifier.look();
      clock.advance(5 * SECOND);
      notifier.look();
    };
    return { incidents, notifier, look, store };
  };
  const messages = (): { channel: number; notice: Notice }[] =>
    (
      db.prepare('SELECT channel_id, notice_json FROM alert_messages ORDER BY rowid').all() as {
        channel_id: number;
        notice_json: string;
      }[]
    ).map((row) => ({ channel: row.channel_id, notice: JSON.parse(row.notice_json) as Notice }));
  const told = (): string[] => messages().map(({ notice }) => `${notice.kind} ${notice.title}`);
  return { db, clock, events, repository, channels, rules, start, messages, told };
}

const node = (name: string, more: Partial<Fact> = {}): Fact => ({
  condition: 'node-away',
  subject: name,
  name,
  text: `Node ${name} isn’t reporting`,
  isMild: true,
  ...more,
});
const disk = (value: number): Fact => ({
  condition: 'disk-low',
  subject: 'daemon',
  name: 'the machine',
  text: `${value} % free`,
  value,
});

test('an incident opens once, gets worse, and closes with its duration', (t) => {
  const { clock, events, start, told } = setUp(t);
  const { incidents, look } = start();
  look([disk(10)]);
  assert.equal(incidents.open().length, 0);
  look([disk(9)]);
  look([disk(9)]);
  const [row] = incidents.open();
  assert.ok(row);
  assert.equal(row.severity, 'warning');
  look([disk(2)]);
  assert.equal(row.severity, 'critical');
  clock.advance(MINUTE - 15 * SECOND);
  look([]);
  assert.equal(incidents.open().length, 0);
  assert.equal(Date.parse(row.closed_at as string) - Date.parse(row.opened_at), MINUTE);
  assert.deepEqual(events, ['incident.opened 9 % free', 'incident.updated 2 % free', 'incident.closed 2 % free']);
  assert.deepEqual(told(), [
    'opened 9 % free',
    'worse Now critical: 2 % free',
    'closed Over: The disk has space again (the machine)',
  ]);
});

test('a text that ends in a full stop gets no second one', (t) => {
  const { start, messages } = setUp(t);
  const { look } = start();
  look([{ ...disk(2), text: 'The disk is full.' }]);
  look([]);
  assert.deepEqual(
    messages().map(({ notice }) => notice.lines),
    [['The disk is full.'], ['The disk is full. It lasted 5 s.']],
  );
});

test('what lasts too short opens nothing', (t) => {
  const { rules, clock, start } = setUp(t);
  rules.update('node-away', { forSeconds: 60 });
  const { incidents, look } = start();
  look([node('a')]);
  assert.equal(incidents.nextOpening(), 55 * SECOND);
  look([]);
  assert.equal(incidents.nextOpening(), undefined);
  look([node('a')]);
  clock.advance(50 * SECOND);
  look([node('a')]);
  assert.equal(incidents.open().length, 0, 'it has not lasted for a minute');
  look([node('a')]);
  assert.equal(incidents.open().length, 1);
});

test('open incidents outlive the daemon, and are told once', (t) => {
  const { start, told } = setUp(t);
  const before = start();
  before.look([node('a')]);
  const { incidents, look } = start();
  const [row] = incidents.open();
  assert.equal(row?.name, 'a');
  look([], new Set());
  assert.equal(incidents.open().length, 1, 'what is not known yet closes nothing');
  look([node('a')]);
  assert.equal(incidents.open()[0]?.id, row?.id);
  look([]);
  assert.deepEqual(told(), ['opened Node a isn’t reporting', 'closed Over: The node is reporting again (a)']);
});

test('what was opened and not told before a kill is told after it', (t) => {
  const { start, told } = setUp(t);
  start().incidents.update({ facts: [node('a')], known: KNOWN });
  assert.deepEqual(told(), []);
  start().look([node('a')]);
  assert.deepEqual(told(), ['opened Node a isn’t reporting']);
});

test('200 nodes that lose power are one message, and one when they are back; PagerDuty gets one key', (t) => {
  const { start, messages } = setUp(t, ['webhook', 'pagerduty']);
  const { look } = start();
  const nodes = Array.from({ length: 200 }, (_, n) => node(`edge-${n}`));
  look(nodes);
  look(nodes.slice(0, 1));
  look([]);
  const of = (channel: number) =>
    messages()
      .filter((one) => one.channel === channel)
      .map(({ notice }) => notice);
  assert.deepEqual(
    of(1).map(({ title, count }) => `${count} ${title}`),
    [
      '200 200 nodes need attention',
      '199 Over: 199 nodes need attention',
      '1 Over: The node is reporting again (edge-0)',
    ],
  );
  assert.equal(of(1)[0]?.lines.length, 11);
  const pager = of(2);
  assert.deepEqual(
    pager.map(({ kind }) => kind),
    ['opened', 'closed'],
    'it is resolved when all are back',
  );
  assert.equal(pager[0]?.group, pager[1]?.group);
  assert.notEqual(pager[0]?.group, null);
});

test('nodes that fall silent one after the other within seconds are told together', (t) => {
  const { clock, start, messages } = setUp(t);
  const { incidents, notifier } = start();
  const nodes: Fact[] = [];
  for (let n = 0; n < 5; n += 1) {
    nodes.push(node(`edge-${n}`));
    incidents.update({ facts: nodes, known: KNOWN });
    notifier.look();
    clock.advance(SECOND);
  }
  assert.equal(messages().length, 0);
  clock.advance(3 * SECOND);
  notifier.look();
  assert.deepEqual(
    messages().map(({ notice }) => notice.count),
    [5],
  );
});

test('a channel gets so many messages an hour, and one summary of the others', (t) => {
  const { clock, channels, start, told } = setUp(t);
  const { look } = start();
  const jobs: Fact[] = [];
  for (let n = 0; n < 8; n += 1) {
    jobs.push({ condition: 'job-failed', subject: String(n), name: `Job ${n}`, text: `Job ${n} failed` });
    look(jobs);
  }
  assert.equal(told().length, 5);
  assert.equal(channels.all()[0]?.held, 3);
  clock.advance(HOUR);
  look(jobs);
  assert.deepEqual(told().slice(5), ['summary 3 further changes of incidents']);
  assert.equal(channels.all()[0]?.held, 0);
});

test('PagerDuty opens what its limit held back under the key that resolves it, unless it is over, silenced or acknowledged', (t) => {
  const { clock, channels, start, messages } = setUp(t, ['pagerduty']);
  const setLimit = (maxPerHour: number) =>
    channels.note(1, { fields_json: JSON.stringify({ ...channels.require(1), maxPerHour }) });
  const held = () => channels.require(1).held;
  const sent = () => messages().map(({ notice: { kind, group } }) => `${kind} ${group}`);
  const job = (subject: string): Fact => ({ condition: 'job-failed', subject, name: subject, text: subject });
  setLimit(1);
  const { incidents, notifier, look } = start();
  const find = (wanted: string): IncidentRow => incidents.open().find(({ text }) => text === wanted) as IncidentRow;
  look([node('a')]);
  look([node('a'), disk(9)]);
  look([node('a'), disk(2), job('short')]);
  look([node('a'), disk(2), job('known'), job('silent')]);
  incidents.acknowledge(find('known'), 'ana');
  notifier.acknowledged(find('known'));
  incidents.silence(find('silent'), clock.now() + 2 * HOUR, 'ana');
  const lasting = [node('a'), disk(2), job('known'), job('silent')];
  look(lasting);
  const groups = [find('Node a isn’t reporting'), find('2 % free'), find('silent')].map((row) => row.told_group);
  assert.deepEqual(sent(), [`opened ${groups[0]}`]);
  clock.advance(HOUR);
  start().look(lasting);
  assert.deepEqual(sent().slice(1), [`opened ${groups[1]}`]);
  assert.equal(held(), 1);
  clock.advance(HOUR);
  const last = start();
  last.look(lasting);
  assert.deepEqual(sent().slice(2), [`opened ${groups[2]}`]);
  assert.deepEqual(messages()[2]?.notice.lines, ['silent.']);
  assert.equal(held(), 0);
  last.look([]);
  assert.deepEqual(
    sent().slice(3).toSorted(),
    groups.map((group) => `closed ${group}`),
  );
});

test('in quiet hours nothing is told, and afterwards only what still lasts', (t) => {
  const { rules, clock, start, told } = setUp(t);
  rules.update('node-away', { quietHours: { from: '22:00', to: '07:00', timeZone: 'Europe/Paris' } });
  const { incidents, look } = start();
  // 23:00 in Paris
  clock.advance(10 * HOUR);
  look([node('short'), node('long')]);
  clock.advance(HOUR);
  look([node('long')]);
  assert.equal(incidents.open().length, 1, 'incidents open and close as ever');
  assert.deepEqual(told(), []);
  // 07:00 on the next day
  clock.advance(7 * HOUR);
  look([node('long')]);
  assert.deepEqual(told(), ['opened Node long isn’t reporting']);
});

test('what comes and goes is one incident, which closes when it has been well for a while', (t) => {
  const { clock, start, told } = setUp(t);
  const { incidents, look } = start();
  for (let time = 0; time < 10; time += 1) {
    look([node('a')]);
    look([]);
  }
  const [row] = incidents.open();
  assert.equal(row?.reopened, 1);
  assert.notEqual(row?.recovering_since, null);
  assert.deepEqual(told(), [
    'opened Node a isn’t reporting',
    'closed Over: The node is reporting again (a)',
    'opened Node a isn’t reporting',
  ]);
  clock.advance(5 * MINUTE);
  look([]);
  assert.equal(incidents.open().length, 0);
  assert.equal(told().length, 4);
  clock.advance(11 * MINUTE);
  look([node('a')]);
  assert.equal(incidents.open()[0]?.reopened, 0, 'later it is a new incident');
});

test('an acknowledged incident stays open; a silenced one is not told, also when it comes back', (t) => {
  const { clock, start, messages, told } = setUp(t, ['webhook', 'pagerduty']);
  const { incidents, notifier, look } = start();
  look([node('a')]);
  const [row] = incidents.open();
  assert.ok(row);
  incidents.acknowledge(row, 'ana');
  notifier.acknowledged(row);
  assert.equal(row.acknowledged_by, 'ana');
  assert.deepEqual(
    messages().flatMap(({ channel, notice }) => (notice.kind === 'acknowledged' ? [[channel, notice.group]] : [])),
    [[2, row.told_group]],
  );
  look([node('a'), node('b')]);
  const other = incidents.open().find(({ name }) => name === 'b');
  assert.ok(other);
  incidents.silence(other, clock.now() + HOUR, 'ana');
  look([node('a')]);
  const before = told().length;
  look([node('a'), node('b')]);
  assert.equal(told().length, before);
  const again = start();
  const silent = again.incidents.open().find(({ name }) => name === 'b');
  assert.ok(silent);
  assert.notEqual(again.incidents.silencedUntil(silent), null, 'a silence outlives the daemon');
  clock.advance(HOUR);
  again.look([node('a'), node('b')]);
  assert.ok(told().length > before, 'it is told when the silence is over');
});

test('what follows from LiveKit being away belongs to that incident', (t) => {
  const { start, told, messages } = setUp(t);
  const { incidents, look } = start();
  const away: Fact = { condition: 'livekit-away', subject: 'livekit', name: 'LiveKit', text: 'LiveKit is away' };
  const late: Fact = { condition: 'latency-high', subject: 'live', name: 'live', text: 'live is late' };
  look([away, late, node('a')]);
  const [livekit, follower] = ['livekit-away', 'latency-high'].map((id) =>
    incidents.open().find(({ condition }) => condition === id),
  );
  assert.equal(follower?.cause_id, livekit?.id);
  assert.deepEqual(told().toSorted(), ['opened LiveKit is away', 'opened Node a isn’t reporting']);
  const notice = messages().find(({ notice: { title } }) => title === 'LiveKit is away')?.notice;
  assert.match(notice?.lines.join() ?? '', /1 further incident followed from it/);
  look([late, node('a')]);
  assert.equal(follower?.cause_id, null);
  assert.ok(told().includes('opened live is late'), 'what lasts is told when LiveKit is back');
});

test('a rule that is turned off closes its incidents; apps and limits narrow a rule', (t) => {
  const { rules, start } = setUp(t);
  const { incidents, look } = start();
  look([node('a')]);
  rules.update('node-away', { enabled: false });
  look([node('a')]);
  assert.equal(incidents.open().length, 0);
  rules.update('node-away', { enabled: true, nodes: ['b'] });
  look([node('a'), node('b')]);
  assert.deepEqual(
    incidents.open().map(({ name }) => name),
    ['b'],
  );
  assert.equal(rules.remove('node-away').builtIn, true);
  assert.deepEqual(rules.get('node-away')?.nodes, null, 'a built-in rule gets its defaults back');
});

test('a new rule takes over no incident and no silence of a deleted one', (t) => {
  const { rules, clock, repository, start, told } = setUp(t);
  const { incidents, look } = start();
  for (const condition of ['node-away', 'node-slow'] as const) rules.update(condition, { enabled: false });
  const first = rules.create({ condition: 'node-away' });
  look([node('a')]);
  const [row] = incidents.open();
  assert.ok(row);
  incidents.silence(row, clock.now() + HOUR, 'ana');
  rules.remove(first.id);
  const second = rules.create({ condition: 'node-slow', forSeconds: 0 });
  assert.notEqual(second.id, first.id);
  look([{ ...node('a'), condition: 'node-slow', text: 'Node a is slow', value: 500 }]);
  const [other, ...more] = incidents.open();
  assert.deepEqual([other?.condition, other?.reopened, more], ['node-slow', 0, []]);
  assert.notEqual(other?.id, row.id);
  assert.ok(told().includes('opened Node a is slow'));
  assert.deepEqual(repository.silences(), [], 'a silence ends with its rule');
  rules.remove(second.id);
  assert.equal(new AlertRules(repository).create({ condition: 'node-slow' }).id, 'rule-3', 'also after a restart');
});

test('the channels that announced an incident announce its end, and say if its rule was deleted, turned off or narrowed', (t) => {
  const { rules, channels, start, messages } = setUp(t, ['webhook', 'slack', 'teams']);
  const { look } = start();
  channels.note(3, { fields_json: JSON.stringify({ ...channels.require(3), minSeverity: 'critical' }) });
  rules.update('node-away', { enabled: false });
  const { id } = rules.create({ condition: 'node-away', channels: [1, 3] });
  const news = (): string[] =>
    messages()
      .splice(seen, Number.POSITIVE_INFINITY)
      .map(({ channel, notice }) => {
        seen += 1;
        return `${channel} ${notice.title} ${notice.lines.at(-1)}`;
      });
  let seen = 0;
  const facts = [node('a'), node('b'), node('c')];
  look(facts.slice(0, 1));
  assert.deepEqual(news(), ['1 Node a isn’t reporting Node a isn’t reporting.'], 'channel 3 gets critical ones only');
  rules.update(id, { channels: [2], nodes: ['b', 'c'] });
  look(facts);
  assert.deepEqual(news().toSorted(), [
    '1 No longer watched: Node a isn’t reporting The rule is for other apps or nodes now, so this is no longer watched.',
    '2 2 nodes need attention Node c isn’t reporting.',
  ]);
  rules.update(id, { channels: null, enabled: false });
  look(facts);
  assert.deepEqual(news(), [
    '2 No longer watched: 2 nodes need attention The rule was turned off, so this is no longer watched.',
  ]);
  rules.update(id, { enabled: true, channels: [1], nodes: ['d'] });
  look([node('d')]);
  news();
  rules.remove(id);
  look([node('d')]);
  assert.deepEqual(news(), [
    '1 No longer watched: Node d isn’t reporting The rule was deleted, so this is no longer watched.',
  ]);
});

test('the end of an incident keeps the quiet hours of a rule that is deleted', (t) => {
  const { rules, clock, start, told } = setUp(t);
  const { look } = start();
  rules.update('node-away', { enabled: false });
  const quietHours = { from: '22:00', to: '07:00', timeZone: 'UTC' };
  const { id } = rules.create({ condition: 'node-away', quietHours });
  look([node('a')]);
  clock.advance(11 * HOUR);
  rules.remove(id);
  look([node('a')]);
  assert.equal(told().length, 1);
  clock.advance(9 * HOUR);
  look([node('a')]);
  assert.deepEqual(told(), ['opened Node a isn’t reporting', 'closed No longer watched: Node a isn’t reporting']);
});

test('an end in quiet hours is announced afterwards, even after a restart or if the same happened again', (t) => {
  const { rules, clock, start, told } = setUp(t);
  const quietHours = { from: '22:00', to: '07:00', timeZone: 'UTC' };
  for (const id of ['node-away', 'recording-failed']) rules.update(id, { quietHours });
  const failed = (text: string): Fact => ({ condition: 'recording-failed', subject: 'live', name: 'live', text });
  const first = start();
  first.look([node('a'), failed('The first one failed')]);
  clock.advance(11 * HOUR);
  first.look([node('a')]);
  first.look([node('a'), failed('The second one failed')]);
  first.look([]);
  clock.advance(HOUR);
  const second = start();
  second.look([node('a')]);
  assert.equal(second.incidents.open()[0]?.reopened, 0, 'it came back after more than ten minutes');
  assert.equal(told().length, 2);
  clock.advance(8 * HOUR);
  start().look([node('a')]);
  assert.deepEqual(told().slice(2), [
    'closed Over: Recordings work again (live)',
    'closed Over: The node is reporting again (a)',
    'opened Node a isn’t reporting',
  ]);
  start().look([node('a')]);
  assert.equal(told().length, 5, 'each end is told once');
});

test('a channel that is turned off, or gets another receiver, no longer counts as failing', async (t) => {
  const { channels } = setUp(t);
  const failing = { failing_since: new Date(0).toISOString(), last_error: 'gone' };
  for (const [change, isOver] of [
    [{ url: 'http://127.0.0.1:9/other' }, true],
    [{ name: 'other' }, false],
    [{ secret: 'another' }, true],
    [{ enabled: false }, true],
  ] as const) {
    channels.note(1, failing);
    const { failingSince, lastError } = await channels.update(1, change);
    assert.deepEqual([failingSince === null, lastError === null], [isOver, isOver], JSON.stringify(change));
  }
});

test('incidents that are open at the update of a daemon were told to the channels of their rule', (t) => {
  const before = new Database(':memory:');
  t.after(() => before.close());
  migrate(
    before,
    registryMigrations.filter(({ id }) => id <= 25),
  );
  before.exec(`
    INSERT INTO alert_channels (kind, fields_json) VALUES ('slack', '{"minSeverity":"critical"}');
    INSERT INTO alert_rules VALUES ('rule-1', 'node-away', '{"channels":[2]}'),
      ('rule-2', 'node-away', '{"channels":null,"quietHours":{"from":"22:00"}}');
  `);
  const add =
    before.prepare(`INSERT INTO incidents (rule_id, told, condition, subject, name, severity, text, opened_at, updated_at)
    VALUES (?, ?, 'node-away', '', '', 'warning', '', '', '')`);
  for (const row of [
    ['node-away', 'warning'],
    ['rule-1', 'critical'],
    ['rule-2', 'critical'],
    ['rule-1', null],
  ])
    add.run(...row);
  before.exec(`INSERT INTO incidents (rule_id, told, condition, subject, name, severity, text, opened_at, updated_at, closed_at)
    VALUES ('node-away', 'warning', 'node-away', '', '', 'warning', '', '', '', '2026-01-01T00:00:00.000Z')`);
  migrate(before, registryMigrations);
  assert.deepEqual(
    before.prepare('SELECT told FROM incidents WHERE closed_at IS NOT NULL').pluck().all(),
    ['closed'],
    'what ended long ago is no news any more',
  );
  assert.deepEqual(before.prepare('SELECT told_to FROM incidents ORDER BY id').pluck().all(), [
    '{"channels":[1],"quietHours":null}',
    '{"channels":[2],"quietHours":null}',
    '{"channels":[1,2],"quietHours":{"from":"22:00"}}',
    null,
    null,
  ]);
});

test('a disk that can’t be written loses no incident', (t) => {
  const { start, repository, told } = setUp(t);
  const { incidents, look, store } = start();
  store.isBroken = true;
  look([node('a')]);
  assert.equal(incidents.open().length, 1);
  assert.equal(repository.open().length, 0);
  assert.deepEqual(told(), []);
  store.isBroken = false;
  look([node('a')]);
  assert.equal(repository.open().length, 1);
  assert.deepEqual(told(), ['opened Node a isn’t reporting']);
});
