// The Debian package in a bare Debian: install, start, upgrade, remove, purge.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  globSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { packDeb, stageDeb } from '#build/build-deb.mjs';
import { stagePackage } from '#build/build-package.mjs';
import { type BareSystem, bareSystem } from '#test/helpers/bare-system.ts';
import { builtSite } from '#test/helpers/browser.ts';
import { BIN, blockScope, Client, ROOT, temporaryDir } from '#test/helpers/daemon.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { analyseUnit, noUnitAnalysis } from '#test/helpers/units.ts';
import { until } from '#test/helpers/until.ts';

const UNIT = 'lib/systemd/system/streamhub.service';
const SETTINGS = 'etc/streamhub/streamhub.env';
const DATA = 'var/lib/streamhub';

const scope = blockScope();
// before the first test: what is ended with the block must not be ended as soon as that has run
const system = await bareSystem(scope);

test('systemd finds the daemon’s unit valid, and well confined', { skip: noUnitAnalysis }, () => {
  const text = readFileSync(path.join(ROOT, 'build/deb/streamhub.service'), 'utf8');
  const { exposure, complaints } = analyseUnit('streamhub.service', text);
  assert.ok(exposure <= 3, String(exposure));
  assert.equal(complaints, '');
});

test('root becomes the daemon’s user only for commands that work on its data', async (t) => {
  const dir = await temporaryDir(t);
  const script = readFileSync(path.join(ROOT, 'build/deb/streamhub'), 'utf8');
  writeFileSync(
    path.join(dir, 'streamhub'),
    script.replace(/\/usr\/lib\/streamhub\/node\/bin\/node .*?bin\.mjs/, 'echo "$HOME"'),
  );
  // the ids of this test's user don't matter
  writeFileSync(path.join(dir, 'id'), '#!/bin/sh\necho root\n', { mode: 0o755 });
  writeFileSync(path.join(dir, 'setpriv'), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
  const address = { STREAMHUB_URL: 'https://stream.example.com' };
  const lines: [line: string, home: string, env?: Record<string, string>][] = [
    ...['', '--safe', 'start', 'admin users', 'restore x', 'rollback', 'doctor', 'plugin --data-dir y add x'].map(
      (line): [string, string] => [line, `/${DATA}`],
    ),
    ['doctor --data-dir y', `/${DATA}`, address],
    ...['apps', 'backup', 'backup verify x', 'plugin check x', 'plugin pack add-on', 'plugin list', 'uninstall'].map(
      (line): [string, string] => [line, '/root'],
    ),
    ['doctor --context far', '/root'],
    ['doctor --url=https://stream.example.com', '/root'],
    ['doctor', '/root', address],
    ['doctor', '/root', { STREAMHUB_CONTEXT: 'far' }],
  ];
  for (const [line, home, env] of lines) {
    const told = execFileSync('sh', [path.join(dir, 'streamhub'), ...line.split(' ').filter(Boolean)], {
      env: { PATH: `${dir}:${process.env['PATH']}`, HOME: '/root', ...env },
      encoding: 'utf8',
    });
    assert.equal(told, `${`${home} ${line}`.trimEnd()}\n`);
  }
});

test('the command, the unit and npm start leave --env-file to StreamHub', () => {
  for (const file of ['build/deb/streamhub', 'build/deb/streamhub.service', 'package.json']) {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const [, options = ''] = /\bnode (\S+ )?\S*(?:daemon\/bin|build\/start)\.mjs/.exec(text) ?? [];
    const words = [...options.split(' ').filter(Boolean), BIN, '--env-file', '/srv/nothing.env'];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.deepEqual([status, /^streamhub: .*\/srv\/nothing\.env/.test(stderr)], [2, true], `${file}: ${stderr}`);
  }
});

describe('the Debian package', { skip: typeof system === 'string' && system }, () => {
  const { root, run, read, startUnit } = system as BareSystem;
  let dir = '';
  let staged = '';
  let port = 0;
  let api: Client;
  let token = '';
  before(async () => {
    dir = await temporaryDir(scope);
    await builtSite();
    await stagePackage(path.join(dir, 'npm'));
    staged = stageDeb(path.join(dir, 'npm'), path.join(dir, 'deb'));
    port = await freePort();
    api = new Client(`http://127.0.0.1:${port}`, null);
  });
  const place = (file: string) => path.join(root, file);
  const rights = (file: string) => run('stat', '-c', '%U:%G %a', `/${file}`).trim();
  /** The version that was packed last, or another one. Compressed as published, but faster. */
  const install = (version?: string, level = 0) => {
    if (version !== undefined) renameSync(packDeb(staged, dir, version, level), place('tmp/streamhub.deb'));
    return run('dpkg', '--force-confold', '-i', '/tmp/streamhub.deb');
  };

  test('is installed with a user, settings and data for this user alone, and says what comes next', () => {
    assert.match(install('1.0.0-rc.1', 1), /cat \/var\/lib\/streamhub\/data\/first-token/);
    assert.equal(rights(DATA), 'streamhub:streamhub 700');
    assert.equal(rights('etc/streamhub'), 'root:streamhub 750');
    assert.equal(rights(SETTINGS), 'root:streamhub 640');
    assert.match(run('id', 'streamhub'), /gid=\d+\(streamhub\)/);
    assert.match(run('streamhub', '--version'), /^\d+\.\d+\.\d+/);
  });

  test('its unit’s program answers, and the journal has neither the token nor the link', async () => {
    appendFileSync(place(SETTINGS), `PORT=${port}\nADMIN_PASS=hidden-word\n`);
    const daemon = await startUnit(UNIT);
    await until('it listens', () => daemon.output().includes('setup-link'));
    assert.doesNotMatch(daemon.output(), /sk_|setup#|hidden-word|ENV_FILE_READABLE/);
    assert.equal(rights(`${DATA}/data/first-token`), 'streamhub:streamhub 600');
    token = read(`${DATA}/data/first-token`).trim();
    assert.equal((await api.as(token).post('/apps', { name: 'kept' })).status, 201);
    run('sh', '-ec', `streamhub connect ${api.base} --credential-file --token-stdin < /${DATA}/data/first-token`);
    assert.match(run('streamhub', 'backup', 'list', '--json'), /^\[\]$/m);
    assert.equal(await daemon.stop(), 0);
  });

  test('root’s commands run as the daemon’s user, on its data', () => {
    assert.match(run('streamhub', 'admin', 'create-token'), /^sk_/m);
    assert.doesNotMatch(run('find', `/${DATA}`, '-user', 'root'), /./);
  });

  test('an upgrade keeps data and settings', async () => {
    assert.match(run('dpkg-query', '-W', 'streamhub'), /1\.0\.0~rc\.1/);
    install('1.0.0');
    assert.match(run('dpkg-query', '-W', 'streamhub'), /\t1\.0\.0$/m);
    assert.ok(read(SETTINGS).includes(`PORT=${port}`));
    assert.equal(rights(SETTINGS), 'root:streamhub 640');
    const daemon = await startUnit(UNIT);
    await until('it listens', () => daemon.output().includes('listens on'));
    const page = await api.get('//docs/quick-start');
    assert.deepEqual([page.status, /<h1 /.test(page.text)], [200, true]);
    const [search] = globSync('assets/chunks/@localSearchIndex*.js', { cwd: path.join(dir, 'npm/out/site') });
    assert.equal((await api.get(`//docs/${search}`)).status, 200);
    const { body } = await api.as(token).get('/apps');
    assert.deepEqual(body.map(({ name }: { name: string }) => name).sort(), ['kept', 'live']);
    await daemon.stop();
  });

  test('a removal keeps settings and data, and says so', () => {
    assert.match(run('dpkg', '-r', 'streamhub'), /These stay: \/etc\/streamhub .*\/var\/lib\/streamhub/s);
    assert.ok(!existsSync(place('usr/lib/streamhub')));
    assert.ok(existsSync(place(`${DATA}/apps/kept`)));
    assert.ok(statSync(place(SETTINGS)).isFile());
  });

  test('a purge by its command lists what it deletes and leaves nothing', () => {
    install();
    const list = run('streamhub', 'uninstall');
    assert.match(
      list,
      /This is removed:[\s\S]*\/var\/lib\/streamhub\/apps {2}2 apps[\s\S]*streamhub\.env[\s\S]*This is kept:[\s\S]*Nothing was removed/,
    );
    assert.ok(existsSync(place(`${DATA}/apps/kept`)));
    run('streamhub', 'uninstall', '--yes');
    for (const file of ['etc/streamhub', DATA, UNIT, 'usr/bin/streamhub', 'usr/share/doc/streamhub'])
      assert.ok(!existsSync(place(file)), file);
    assert.doesNotMatch(read('etc/passwd') + read('etc/group'), /streamhub/);
  });

  test('the Dockerfile’s RUN step does the same, and its command answers', { skip: withoutLongTests }, () => {
    const dockerfile = readFileSync(path.join(ROOT, 'build/docker/Dockerfile'), 'utf8');
    const [, step = ''] = /^RUN ((?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
    cpSync('/etc/resolv.conf', place('etc/resolv.conf'));
    run('sh', '-ec', `PROGRAMS=ca-certificates; ${step.replaceAll('\\\n', ' ')}`);
    assert.ok(!existsSync(place('tmp/streamhub.deb')));
    assert.match(
      run('setpriv', '--reuid=streamhub', '--regid=streamhub', '--init-groups', 'streamhub', '--version'),
      /^\d/,
    );
  });
});
