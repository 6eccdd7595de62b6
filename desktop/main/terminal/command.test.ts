import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import Value from 'typebox/value';
import { TerminalCommand } from '#shared/ipc/terminal.ts';
import { programOf, terminalEnvironment } from './command.ts';

test('ssh gets its host as a host, never as an option', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ssh-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'ssh'), '#!/bin/sh\n');
  chmodSync(path.join(folder, 'ssh'), 0o755);
  const env = { PATH: folder };
  assert.deepEqual(programOf({ kind: 'ssh', host: 'edge-1.example', user: 'root', port: 2222 }, 'linux', env), {
    file: path.join(folder, 'ssh'),
    args: ['-p', '2222', '--', 'root@edge-1.example'],
    title: 'ssh root@edge-1.example',
  });
  assert.deepEqual(programOf({ kind: 'ssh', host: '[fd00::2]' }, 'linux', env).args, ['--', 'fd00::2']);
  for (const host of ['-oProxyCommand=x', '', 'a b', 'a;b', '$(x)', 'a/b'])
    assert.equal(Value.Check(TerminalCommand, { kind: 'ssh', host }), false, host);
  for (const user of ['-l', '$(x)', 'a b'])
    assert.equal(Value.Check(TerminalCommand, { kind: 'ssh', host: 'a', user }), false, user);
  assert.equal(Value.Check(TerminalCommand, { kind: 'run', file: '/bin/sh' }), false);
});

test('without ssh or a shell the reason comes instead of an empty terminal', () => {
  assert.throws(() => programOf({ kind: 'ssh', host: 'a' }, 'linux', { PATH: '/nowhere' }), {
    code: 'TERMINAL_UNAVAILABLE',
  });
  assert.throws(() => programOf({ kind: 'shell' }, 'win32', { PATH: '' }), { code: 'TERMINAL_UNAVAILABLE' });
});

test('the person’s shell is used, a shell that is not there is passed over', () => {
  assert.equal(programOf({ kind: 'shell' }, 'linux', { SHELL: '/bin/sh' }).file, '/bin/sh');
  assert.match(programOf({ kind: 'shell' }, 'linux', { SHELL: '/no/such/shell' }).file, /^\/bin\/(ba)?sh$/);
  assert.match(programOf({ kind: 'shell' }, 'linux', { SHELL: 'relative/shell' }).file, /^\/bin\/(ba)?sh$/);
});

test('nothing of this app’s own environment reaches the shell', () => {
  const env = terminalEnvironment({
    HOME: '/home/ana',
    STREAMHUB_API_TOKEN: 'sk_secret',
    ELECTRON_RUN_AS_NODE: '1',
    NODE_OPTIONS: '--inspect',
    npm_config_x: '1',
    EMPTY: undefined,
  });
  assert.deepEqual(env, {
    HOME: '/home/ana',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    TERM_PROGRAM: 'StreamHub',
  });
});
