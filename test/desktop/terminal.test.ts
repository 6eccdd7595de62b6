import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Terminals } from '#desktop/main/terminal/terminals.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { terminalMissing } from '../helpers/terminal.ts';
import { watched } from '../helpers/until.ts';

interface Exit {
  terminalId: string;
  exitCode: number;
  signal: number | null;
}

function subject(t: TestContext, acknowledge = true) {
  let output = '';
  const exits: Exit[] = [];
  const { look, until } = watched();
  const emit = ((channel: string, payload: { terminalId: string; data: string } & Exit) => {
    if (channel === 'terminal:data') {
      output += payload.data;
      if (acknowledge) terminals.ack(payload.terminalId, payload.data.length);
    } else exits.push(payload);
    look();
  }) as unknown as Emit;
  const terminals = new Terminals({ emit, env: { ...process.env, SHELL: '/bin/bash', PS1: '$ ' } });
  t.after(() => terminals.closeAll());
  return { terminals, until, exits, output: () => output };
}

test('a real shell: size, resize, unicode, Ctrl-C, exit code', { skip: terminalMissing }, async (t) => {
  const { terminals, until, output, exits } = subject(t);
  const { terminalId, pid, title } = await terminals.open({ kind: 'shell' }, 90, 30);
  assert.ok(pid > 0);
  assert.equal(title, 'bash');
  terminals.write(terminalId, 'stty size; echo "$TERM"\r');
  await until(() => /30 90\s/.test(output()) && /xterm-256color/.test(output()));
  terminals.resize(terminalId, 120, 40);
  terminals.write(terminalId, 'stty size; echo grü"ß"e\r');
  await until(() => /40 120\s/.test(output()) && output().includes('grüße'));
  // told by what Ctrl-C ends: at the prompt it would end nothing
  terminals.write(terminalId, 'sh -c "echo slee\'\'ps; exec sleep 100"\r');
  await until(() => output().includes('sleeps'));
  terminals.write(terminalId, '\u0003');
  terminals.write(terminalId, 'exit 7\r');
  await until(() => exits.length === 1);
  assert.deepEqual(exits[0], { terminalId, exitCode: 7, signal: null });
  assert.throws(() => terminals.write(terminalId, 'x'), { code: 'UNKNOWN_TERMINAL' });
  terminals.close(terminalId);
});

test('a flood waits for the page, and none of it is lost', { skip: terminalMissing }, async (t) => {
  const { terminals, until, output } = subject(t, false);
  const { terminalId } = await terminals.open({ kind: 'shell' }, 80, 24);
  terminals.write(terminalId, 'stty -echo; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo E"N"D\r');
  await until(() => output().length > 524_288);
  // nothing was taken in: the program has to stand still
  let before = -1;
  while (output().length !== before) {
    before = output().length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(before < 1_000_000, `${before} characters came without a word from the page`);
  let acknowledged = 0;
  while (!output().includes('END')) {
    const more = output().length - acknowledged;
    if (more > 0) terminals.ack(terminalId, more);
    acknowledged += more;
    await until(() => output().length > acknowledged || output().includes('END'));
  }
  assert.equal(output().match(/x{100,}/)?.[0].length, 3_000_000);
});

test('closing hangs up', { skip: terminalMissing }, async (t) => {
  const { terminals, until, exits } = subject(t);
  const { terminalId, pid } = await terminals.open({ kind: 'shell' }, 80, 24);
  terminals.close(terminalId);
  await until(() => exits.length === 1);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('without node-pty the reason is said and nothing else breaks', async () => {
  const terminals = new Terminals({
    emit: () => {},
    env: { SHELL: '/bin/sh' },
    load: () => Promise.reject(new Error('Cannot find module\nstack')),
  });
  assert.deepEqual(await terminals.available(), {
    available: false,
    reason: 'A terminal cannot be opened: node-pty does not load: Cannot find module',
  });
  await assert.rejects(terminals.open({ kind: 'shell' }, 80, 24), { code: 'TERMINAL_UNAVAILABLE' });
  terminals.close('t1');
});
