import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { layoutOf } from './layout.ts';
import { AGENT_UNIT, agentUnit, LIVEKIT_UNIT, livekitUnit, unitFolder } from './systemd.ts';
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

test('an installation whose identity is damaged takes its units with it, and leaves those of another one', async (t) => {
  const dir = await temporaryDir(t);
  const { PATH, XDG_CONFIG_HOME } = process.env;
  t.after(() => Object.assign(process.env, { PATH, XDG_CONFIG_HOME: XDG_CONFIG_HOME ?? '' }));
  Object.assign(process.env, { PATH: `${dir}:${PATH}`, XDG_CONFIG_HOME: path.join(dir, 'config') });
  const calls = path.join(dir, 'calls');
  writeFileSync(path.join(dir, 'systemctl'), `#!/bin/sh\necho "$*" >>'${calls}'\n`, { mode: 0o755 });
  const layout = layoutOf(path.join(dir, 'node'));
  const units = [AGENT_UNIT, LIVEKIT_UNIT].map((name) => path.join(unitFolder('user'), name)) as [string, string];
  mkdirSync(path.dirname(layout.identity), { recursive: true });
  mkdirSync(unitFolder('user'), { recursive: true });
  writeFileSync(layout.identity, '{');
  writeFileSync(units[0], agentUnit(layout, process.execPath, 'user'));
  writeFileSync(units[1], livekitUnit(layout, layout.livekitBinary, 'user', false));
  await uninstall(layoutOf(path.join(dir, 'nod')), false, () => {});
  assert.equal(units.every(existsSync), true);
  const lines: string[] = [];
  await uninstall(layout, false, (line) => lines.push(line));
  assert.equal(units.some(existsSync), false);
  assert.match(lines.join('\n'), /the units streamhub-edge\.service and streamhub-livekit\.service/);
  assert.match(readFileSync(calls, 'utf8'), /^--user disable --now --quiet streamhub-edge\.service\n/);
});
