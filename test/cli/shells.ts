import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { manPage } from '#build/cli-doc.ts';
import { BIN } from '#test/helpers/daemon.ts';
import { programHere } from '#test/helpers/server-scripts.ts';
import { piped, programInTerminal, terminalMissing } from '#test/helpers/terminal.ts';
import { api, file, REMOTE } from './world.ts';

const run = promisify(execFile);

/** Why a program isn't here, or false. */
const missing = (program: string): string | false =>
  programHere(program) === undefined && `${program} is not installed`;

/** The shells find `streamhub` on their PATH. */
const env = {
  ...REMOTE,
  STREAMHUB_CONFIG_DIR: file('shells'),
  PATH: `${file('bin')}:${process.env['PATH']}`,
  HOME: file('shells'),
};

describe('completion and man page', () => {
  before(async () => {
    await mkdir(file('bin'));
    await mkdir(file('shells'));
    await writeFile(file('bin/streamhub'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    await chmod(file('bin/streamhub'), 0o755);
    const contexts = ['far:3020', 'far:3021'].map((name) => ({
      name,
      url: 'https://far',
      account: name,
      store: 'file',
      user: '',
    }));
    await writeFile(file('shells/contexts.json'), JSON.stringify({ current: null, contexts }));
    await api.post('/apps', { name: 'shells-app' });
    for (const shell of ['bash', 'zsh', 'fish'])
      await writeFile(file(`completion.${shell}`), (await piped(['completion', shell], {})).out);
  });

  test('bash completes commands, options, values, and names of apps and contexts', {
    skip: missing('bash'),
  }, async () => {
    const lines = [
      'streamhub ap',
      'streamhub apps ls --js',
      'streamhub config get sh',
      'streamhub apps --context far:',
    ];
    const code = `source ${file('completion.bash')}
      for line in ${lines.map((line) => `'${line}'`).join(' ')}; do
        COMP_LINE=$line COMP_POINT=\${#line}; _streamhub; echo "\${COMPREPLY[*]}"
      done; complete -p streamhub`;
    const { stdout } = await run('bash', ['--norc', '-c', code], { env });
    assert.deepEqual(stdout.trim().split('\n'), [
      'apps apply api',
      '--json',
      'shells-app',
      '3020 3021',
      'complete -o default -F _streamhub streamhub',
    ]);
  });

  test('zsh completes at the prompt', { skip: terminalMissing || missing('zsh') }, async () => {
    const zsh = programInTerminal('zsh', ['-f', '-i'], env);
    zsh.type(
      `PS1='ready> '; autoload -Uz compinit; compinit -u -d ${file('zcompdump')}; source ${file('completion.zsh')}\r`,
    );
    await zsh.sees(/ready> $/);
    zsh.type('streamhub join-t\t');
    await zsh.sees(/join-token $/);
    zsh.type('she\t');
    await zsh.sees(/shells-app $/);
    zsh.type('--na\t');
    await zsh.sees(/--name/);
    // Ctrl-U, so that nothing of the line is left
    zsh.type('\x15exit\r');
    await zsh.ended;
  });

  test('fish completes, with what each command does', { skip: missing('fish') }, async () => {
    const code = `source ${file('completion.fish')}
      complete -C'streamhub join-t'; complete -C'streamhub apps get she'; complete -C'streamhub apps -o y'`;
    const { stdout } = await run('fish', ['--no-config', '-c', code], { env });
    assert.deepEqual(stdout.trim().split('\n'), [
      'join-token\tMake a token that lets someone join a room.',
      'shells-app\tshells-app',
      'yaml',
    ]);
  });

  test('without a daemon, names are not completed and nothing is said', async () => {
    const ran = await piped(['__complete', '--', 'apps', 'get', ''], { ...env, STREAMHUB_URL: 'http://127.0.0.1:9' });
    assert.deepEqual([ran.code, ran.out, ran.err], [0, '', '']);
    const none = await piped(['__complete', '--', 'apps', 'get', ''], { STREAMHUB_CONFIG_DIR: file('nowhere') });
    assert.deepEqual([none.code, none.out], [0, '']);
  });

  test('the man page is set without a warning, and names every command', { skip: missing('groff') }, async () => {
    await writeFile(file('streamhub.1'), manPage('1.2.3'));
    const { stdout, stderr } = await run('groff', ['-Tutf8', '-man', '-ww', '-P-cbou', file('streamhub.1')]);
    assert.equal(stderr, '');
    for (const text of ['StreamHub 1.2.3', 'streamhub backup verify', '--livekit-mode', 'EXIT STATUS', 'doesn’t exist'])
      assert.ok(stdout.includes(text), text);
  });
});
