import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { CRASHES_ALLOWED, PluginLifecycle } from './lifecycle.ts';
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
  name: 'mine',
  state: 'verified',
  reason: null,
  problems: [],
  documentation: null,
  warnings: [],
  presets: [],
  providers: [{ id: 'store', title: 'Store', description: '', inAppFolder: false, egressTarget: false }],
  entry: 'file:///mine/index.js',
  folder: '/mine',
  readable: ['/mine/'],
  ...more,
});
const IDLE = { isRunning: false, isStopping: false };
const RUNNING = { isRunning: true, isStopping: false };
const STOPPING = { isRunning: false, isStopping: true };
const stateOf = (lifecycle: PluginLifecycle, activity = IDLE, isSafeMode = false): string => {
  lifecycle.update(activity, isSafeMode);
  return lifecycle.shown.state;
};

describe('the lifecycle of a plugin', () => {
  test('goes from discovered to running, and back to loaded', () => {
    const lifecycle = new PluginLifecycle(record(), undefined);
    assert.equal(lifecycle.shown.state, 'discovered');
    assert.equal(stateOf(lifecycle), 'verified');
    lifecycle.loaded();
    assert.equal(stateOf(lifecycle), 'loaded');
    assert.equal(stateOf(lifecycle, RUNNING), 'running');
    assert.equal(stateOf(lifecycle), 'loaded');
  });

  test('says whether the state is a new one, and since when', () => {
    const lifecycle = new PluginLifecycle(record(), undefined);
    assert.equal(lifecycle.update(IDLE, false), true);
    const { since } = lifecycle.shown;
    assert.equal(lifecycle.update(IDLE, false), false);
    assert.equal(lifecycle.shown.since, since);
  });

  test('a crash makes it wait, longer each time, and the third ends in quarantine', () => {
    const lifecycle = new PluginLifecycle(record(), undefined);
    lifecycle.loaded();
    assert.equal(lifecycle.pause(), undefined);
    assert.equal(lifecycle.crashed('it fell'), false);
    assert.match(lifecycle.pause() ?? '', /ended unexpectedly \(it fell\); it can start again in 1 s/);
    assert.equal(stateOf(lifecycle), 'failed');
    assert.equal(lifecycle.shown.since, lifecycle.lastFault?.at);
    assert.equal(lifecycle.refusal(false), undefined);
    assert.equal(lifecycle.crashed('it fell'), false);
    assert.match(lifecycle.pause() ?? '', /in 2 s/);
    assert.equal(lifecycle.crashed('it fell again'), true);
    assert.equal(lifecycle.crashes, CRASHES_ALLOWED);
    assert.equal(stateOf(lifecycle), 'quarantined');
    assert.equal(lifecycle.shown.since, lifecycle.quarantine?.at);
    assert.match(lifecycle.refusal(false) ?? '', /is quarantined: it crashed 3 times; the last time, it fell again/);
    lifecycle.forgetCrashes();
    assert.deepEqual([stateOf(lifecycle), lifecycle.pause(), lifecycle.crashes], ['verified', undefined, 0]);
  });

  test('a disabled one stops first what it does', () => {
    const lifecycle = new PluginLifecycle(record(), undefined);
    lifecycle.isEnabled = false;
    assert.equal(stateOf(lifecycle, STOPPING), 'stopping');
    assert.equal(stateOf(lifecycle), 'disabled');
    assert.equal(lifecycle.refusal(false), 'is disabled');
  });

  test('what the registry kept counts', () => {
    const row = { id: 'mine', changed_at: '2026-01-01T00:00:00.000Z' };
    const off = new PluginLifecycle(record(), { ...row, enabled: 0, quarantined_at: null, quarantine_reason: null });
    assert.equal(stateOf(off), 'disabled');
    const at = '2026-01-02T00:00:00.000Z';
    const held = new PluginLifecycle(record(), { ...row, enabled: 1, quarantined_at: at, quarantine_reason: 'why' });
    assert.equal(stateOf(held), 'quarantined');
    assert.deepEqual([held.shown.since, held.shown.reason], [at, 'why']);
  });

  test('safe mode keeps out what is not built in', () => {
    assert.equal(stateOf(new PluginLifecycle(record(), undefined), IDLE, true), 'disabled');
    assert.equal(stateOf(new PluginLifecycle(record({ origin: 'npm' }), undefined), IDLE, true), 'disabled');
    assert.equal(stateOf(new PluginLifecycle(record({ origin: 'built-in' }), undefined), IDLE, true), 'verified');
  });

  test('one whose files are wrong or that does not load has failed', () => {
    assert.equal(stateOf(new PluginLifecycle(record({ state: 'failed', reason: 'no title' }), undefined)), 'failed');
    const lifecycle = new PluginLifecycle(record(), undefined);
    lifecycle.failedToLoad([pluginProblem('CODE_THROWS', { detail: 'it throws' })]);
    assert.deepEqual([stateOf(lifecycle), lifecycle.shown.reason], ['failed', 'it throws']);
    assert.equal(lifecycle.refusal(false), 'cannot be loaded: it throws');
  });
});
