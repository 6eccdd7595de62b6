import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../ipc/connections.ts';
import { CONDITION_IDS, type ConditionId, conditionOf, judge } from './conditions.ts';
import type { Findings } from './findings.ts';
import { problemsOf } from './problems.ts';
import { isQuiet, isTimeZone } from './quiet-hours.ts';

const AT = '2026-01-01T00:00:00.000Z';
const state = (status: Connection['state']['status'] = 'online', error: object | null = null) =>
  ({ status, since: AT, error }) as Connection['state'];
type Incident = NonNullable<Findings['incidents']>[number];
let last = 0;
const incident = (condition: ConditionId, name: string, more: Partial<Incident> = {}): Incident => {
  last += 1;
  return {
    id: last,
    rule: condition,
    condition,
    subject: { id: name, name },
    severity: 'warning',
    text: `${condition} ${name}`,
    openedAt: AT,
    recoveringSince: null,
    acknowledgedAt: null,
    silencedUntil: null,
    cause: null,
    ...more,
  };
};

describe('the problems of a daemon', () => {
  for (const [title, incidents, problems] of [
    ['nothing known', undefined, []],
    ['no incident is open', [], []],
    [
      'what is urgent comes first, whatever it is',
      [incident('job-failed', 'a'), incident('livekit-away', 'b', { severity: 'critical' })],
      ['danger livekit-away b', 'warn job-failed a'],
    ],
    [
      'the most urgent of a rule comes first',
      [incident('node-away', 'a'), incident('node-away', 'b', { severity: 'critical' })],
      ['danger node-away b', 'warn node-away a'],
    ],
    [
      'many of one rule are one line',
      ['a', 'b', 'c', 'd'].map((name) => incident('node-away', name)),
      ['warn 4 nodes need attention: a, b and 2 more'],
    ],
    [
      'as many as are listed stay apart',
      ['a', 'b', 'c'].map((name) => incident('job-failed', name)),
      ['warn job-failed a', 'warn job-failed b', 'warn job-failed c'],
    ],
    ['someone works on it', [incident('disk-low', 'a', { acknowledgedAt: AT })], []],
    ['it is silent', [incident('disk-low', 'a', { silencedUntil: AT })], []],
    ['it is well again, and only watched', [incident('disk-low', 'a', { recoveringSince: AT })], []],
    ['it follows from another one', [incident('recording-failed', 'a', { cause: 1 })], []],
    ['a newer daemon knows another condition', [incident('of-tomorrow' as ConditionId, 'a')], ['warn of-tomorrow a']],
  ] as const satisfies readonly (readonly [string, Incident[] | undefined, readonly string[]])[])
    it(title, () => {
      const found = problemsOf(state(), { incidents });
      assert.deepEqual(
        found.map(({ urgency, text }) => `${urgency} ${text}`),
        problems,
      );
      assert.equal(new Set(found.map(({ id }) => id)).size, found.length, 'ids are unique');
    });

  it('leads to where it is repaired, unless only an administrator can', () => {
    const [node] = problemsOf(state(), { incidents: [incident('node-away', 'n1')] });
    assert.deepEqual(node?.action, { label: 'Show node', path: '/cluster', search: { node: 'n1' } });
    const text = conditionOf('livekit-away').teamText as string;
    const [livekit] = problemsOf(state(), { incidents: [incident('livekit-away', 'livekit', { text })] });
    assert.equal(livekit?.action, undefined);
    assert.match(livekit?.text ?? '', /Ask an administrator$/);
  });

  for (const [status, error, problem] of [
    ['online', null, undefined],
    ['connecting', null, undefined],
    ['offline', { message: 'refused' }, 'danger The daemon isn’t responding: refused'],
    ['signed-out', { message: 'Sign in again.' }, 'warn Sign in again.'],
    ['locked', null, 'warn Keychain locked'],
    ['untrusted', null, 'danger Its certificate is not the one that was trusted'],
    ['unusable', null, 'danger The server at this address is not a daemon that this app can use'],
  ] as const)
    it(`a connection that is ${status}`, () => {
      const [found] = problemsOf(state(status, error), {});
      assert.equal(found && `${found.urgency} ${found.text}`, problem);
    });
});

describe('conditions', () => {
  it('have defaults within their limits', () => {
    for (const id of CONDITION_IDS) {
      const { threshold, title, reads, closed, many } = conditionOf(id);
      assert.ok(title && reads && closed && many, id);
      assert.ok(
        threshold === undefined || (threshold.default >= threshold.min && threshold.default <= threshold.max),
        id,
      );
    }
  });

  it('a limit below is a warning until two thirds of it are used up', () => {
    const threshold = conditionOf('disk-low').threshold as NonNullable<ReturnType<typeof conditionOf>['threshold']>;
    assert.equal(judge(threshold, 10, 10), undefined);
    assert.deepEqual(judge(threshold, 9, 10), { isMild: true });
    assert.deepEqual(judge(threshold, 3, 10), { isMild: false });
    assert.equal(judge({ ...threshold, is: 'from' }, 9, 10), undefined);
    assert.deepEqual(judge({ ...threshold, is: 'from' }, 10, 10), { isMild: false });
    assert.equal(judge(threshold, Number.NaN, 10), undefined);
  });
});

describe('quiet hours', () => {
  const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Paris' };
  for (const [at, quiet, isExpected] of [
    // Paris is one hour ahead of UTC in winter, two in summer
    ['2026-01-10T20:59:59Z', night, false],
    ['2026-01-10T21:00:00Z', night, true],
    ['2026-01-10T23:30:00Z', night, true],
    ['2026-01-11T05:59:59Z', night, true],
    ['2026-01-11T06:00:00Z', night, false],
    ['2026-07-10T20:00:00Z', night, true],
    ['2026-07-11T05:00:00Z', night, false],
    ['2026-01-10T12:00:00Z', { from: '12:00', to: '13:00', timeZone: 'UTC' }, true],
    ['2026-01-10T13:00:00Z', { from: '12:00', to: '13:00', timeZone: 'UTC' }, false],
    ['2026-01-10T16:30:00Z', { from: '22:00', to: '23:00', timeZone: 'Asia/Kolkata' }, true],
    // the night on which clocks are put forward in New York
    ['2026-03-08T07:30:00Z', { from: '01:00', to: '04:00', timeZone: 'America/New_York' }, true],
  ] as const)
    it(`${at} in ${quiet.timeZone} from ${quiet.from} to ${quiet.to}`, () =>
      assert.equal(isQuiet(quiet, Date.parse(at)), isExpected));

  it('knows time zones', () => {
    assert.ok(isTimeZone('Europe/Paris'));
    assert.equal(isTimeZone('Middle/Earth'), false);
  });
});
