import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { CRASHES_ALLOWED, PluginLife } from './life.ts';
import type { PluginRecord } from './records.ts';

const record = (more: Partial<PluginRecord> = {}): PluginRecord => ({
  id: 'mine',
  version: '1.0.0',
  title: 'Mine',
  description: '',
  author: null,
  license: null,
  homepage: null,
  origin: 'installed',
  state: 'verified',
  reason: null,
  problems: [],
  documentation: null,
  warnings: [],
  presets: [],
  providers: [{ id: 'store', title: 'Store', description: '', inAppFolder: false }],
  entry: 'file:///mine/index.js',
  folder: '/mine',
  readable: ['/mine/'],
  ...more,
});
const IDLE = { isRunning: false, isStopping: false };
const RUNNING = { isRunning: true, isStopping: false };
const STOPPING = { isRunning: false, isStopping: true };
const stateOf = (life: PluginLife, activity = IDLE, isSafeMode = false): string => {
  life.update(activity, isSafeMode);
  return life.shown.state;
};

describe('the life of a plugin', () => {
  test('goes from discovered to running, and back to loaded', () => {
    const life = new PluginLife(record(), undefined);
    assert.equal(life.shown.state, 'discovered');
    assert.equal(stateOf(life), 'verified');
    life.loaded();
    assert.equal(stateOf(life), 'loaded');
    assert.equal(stateOf(life, RUNNING), 'running');
    assert.equal(stateOf(life), 'loaded');
  });

  test('says whether the state is a new one, and since when', () => {
    const life = new PluginLife(record(), undefined);
    assert.equal(life.update(IDLE, false), true);
    const { since } = life.shown;
    assert.equal(life.update(IDLE, false), false);
    assert.equal(life.shown.since, since);
  });

  test('a crash makes it wait, longer each time, and the third ends in quarantine', () => {
    const life = new PluginLife(record(), undefined);
    life.loaded();
    assert.equal(life.pause(), undefined);
    assert.equal(life.crashed('it fell'), false);
    assert.match(life.pause() ?? '', /ended unexpectedly \(it fell\); it is started again in 1 s/);
    assert.equal(stateOf(life), 'failed');
    assert.equal(life.shown.since, life.lastFault?.at);
    assert.equal(life.refusal(false), undefined);
    assert.equal(life.crashed('it fell'), false);
    assert.match(life.pause() ?? '', /in 2 s/);
    assert.equal(life.crashed('it fell again'), true);
    assert.equal(life.crashes, CRASHES_ALLOWED);
    assert.equal(stateOf(life), 'quarantined');
    assert.equal(life.shown.since, life.quarantine?.at);
    assert.match(life.refusal(false) ?? '', /is quarantined: it crashed 3 times; at last, it fell again/);
    life.pardon();
    assert.deepEqual([stateOf(life), life.pause(), life.crashes], ['verified', undefined, 0]);
  });

  test('a disabled one stops first what it does', () => {
    const life = new PluginLife(record(), undefined);
    life.isEnabled = false;
    assert.equal(stateOf(life, STOPPING), 'stopping');
    assert.equal(stateOf(life), 'disabled');
    assert.equal(life.refusal(false), 'is disabled');
  });

  test('what the registry kept counts', () => {
    const row = { id: 'mine', changed_at: '2026-01-01T00:00:00.000Z' };
    const off = new PluginLife(record(), { ...row, enabled: 0, quarantined_at: null, quarantine_reason: null });
    assert.equal(stateOf(off), 'disabled');
    const at = '2026-01-02T00:00:00.000Z';
    const held = new PluginLife(record(), { ...row, enabled: 1, quarantined_at: at, quarantine_reason: 'why' });
    assert.equal(stateOf(held), 'quarantined');
    assert.deepEqual([held.shown.since, held.shown.reason], [at, 'why']);
  });

  test('safe mode keeps out what is not built in', () => {
    assert.equal(stateOf(new PluginLife(record(), undefined), IDLE, true), 'disabled');
    assert.equal(stateOf(new PluginLife(record({ origin: 'npm' }), undefined), IDLE, true), 'disabled');
    assert.equal(stateOf(new PluginLife(record({ origin: 'built-in' }), undefined), IDLE, true), 'verified');
  });

  test('one whose files are wrong or that does not load has failed', () => {
    assert.equal(stateOf(new PluginLife(record({ state: 'failed', reason: 'no title' }), undefined)), 'failed');
    const life = new PluginLife(record(), undefined);
    life.failedToLoad([pluginProblem('CODE_THROWS', { detail: 'it throws' })]);
    assert.deepEqual([stateOf(life), life.shown.reason], ['failed', 'it throws']);
    assert.equal(life.refusal(false), 'cannot be loaded: it throws');
  });
});
