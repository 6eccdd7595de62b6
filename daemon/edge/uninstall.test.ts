import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { layoutOf } from './layout.ts';
import { uninstall } from './uninstall.ts';

test('an installation whose identity is damaged says that the daemon still lists the node', async (t) => {
  const layout = layoutOf(path.join(await temporaryDir(t), 'node'));
  mkdirSync(path.dirname(layout.identity), { recursive: true });
  writeFileSync(layout.identity, '{');
  const lines: string[] = [];
  await uninstall(layout, false, (line) => lines.push(line));
  const [removed, kept] = lines.join('\n').split('This is kept:');
  assert.doesNotMatch(removed ?? '', /from the cluster/);
  assert.match(kept ?? '', /in the daemon’s list, .* damaged/);
  assert.equal(existsSync(layout.root), false);
});
