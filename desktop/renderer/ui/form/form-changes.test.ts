import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesFrom, followStored, typedSince } from './form-changes.ts';

const BASE = { name: 'one', plan: 'free', quotas: { maxApps: 1, storageGb: 10 }, to: ['a'] };

test('only what a person changed is sent, nested values each for itself', () => {
  assert.deepEqual(changesFrom(BASE, structuredClone(BASE)), {});
  const values = { ...BASE, name: 'two', quotas: { maxApps: 5, storageGb: 10 }, to: ['a', 'b'] };
  assert.deepEqual(changesFrom(BASE, values), { name: 'two', quotas: { maxApps: 5 }, to: ['a', 'b'] });
});

test('unchanged fields follow what is stored; changed ones keep their value and what it was changed from', () => {
  const values = { ...BASE, name: 'mine', quotas: { maxApps: 5, storageGb: 10 } };
  const stored = { name: 'theirs', plan: 'pro', quotas: { maxApps: 2, storageGb: 20 }, to: [] };
  const next = followStored({ base: BASE, values }, stored);
  assert.deepEqual(next.values, { name: 'mine', plan: 'pro', quotas: { maxApps: 5, storageGb: 20 }, to: [] });
  assert.deepEqual(changesFrom(next.base, next.values), { name: 'mine', quotas: { maxApps: 5 } });
  assert.equal(next.base.name, 'one');
  // once it is stored, the change is done
  assert.deepEqual(followStored(next, { ...stored, name: 'mine' }).base.name, 'mine');
});

test('an object of another shape is another value', () => {
  const base: { settings: object } = { settings: { bucket: 'a', region: 'b' } };
  const values = { settings: { folder: 'c' } };
  const stored = { settings: { bucket: 'd', region: 'b' } };
  assert.deepEqual(followStored({ base, values }, stored), { base, values });
});

test('what was typed while values were stored is a change of what is stored', () => {
  const sent = { ...BASE, name: 'mine', plan: 'pro' };
  const stored = { name: 'Mine', plan: 'pro', quotas: { maxApps: 2, storageGb: 10 }, to: ['a'] };
  const { base, values } = typedSince(sent, { ...sent, plan: 'free' }, stored);
  assert.deepEqual(base, stored);
  assert.deepEqual(values, { ...stored, plan: 'free' });
});
