import assert from 'node:assert/strict';
import test from 'node:test';
import type { AgentReport } from '#shared/schema/cluster.ts';
import { AgentUpgrades } from './agent-upgrades.ts';

test('an asked-for upgrade survives a restart of the daemon until the agent has tried it', () => {
  const meta = new Map<string, string>();
  const start = (): AgentUpgrades => {
    const upgrades = new AgentUpgrades({
      readMeta: (key) => meta.get(key),
      writeMeta: (key, value) => void meta.set(key, value),
    });
    upgrades.load();
    return upgrades;
  };
  const report = (more: Partial<AgentReport>) => ({ sha256: 'a'.repeat(64), ...more }) as AgentReport;
  const [b, c] = ['b'.repeat(64), 'c'.repeat(64)];
  const first = start().ask('one', b);
  start().ask('two', c);
  const upgrades = start();
  assert.deepEqual(upgrades.of('one', report({})), first);
  assert.equal(upgrades.of('one', undefined), undefined);
  assert.equal(upgrades.of('one', report({ sha256: b })), undefined);
  assert.equal(start().of('one', report({})), undefined, 'it is done');
  const { id = '' } = start().of('two', report({})) ?? {};
  assert.equal(start().of('two', report({ upgradeProblem: { id, reason: 'no' } })), undefined, 'it was tried in vain');
  assert.equal(start().of('two', report({})), undefined);
});
