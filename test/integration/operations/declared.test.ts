// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as a folder has them
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { BIN, type Client, daemonProcess, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { noMountNamespace, runInMountNamespace } from '#test/helpers/mount-namespace.ts';
import { MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const execute = promisify(execFile);

interface File {
  path: string;
  text: string;
}
const SECRETS = {
  APP_APP_001_S3_KEY: 'AKIAEXAMPLE0001',
  APP_APP_001_S3_SECRET: 'very/secret+storage/key',
  APP_APP_001_CALLBACK_SECRET: 'a secret for callbacks',
  APP_APP_002_CALLBACKS_SECRET: 'an inline secret 42',
  ALERT_ON_CALL_URL: 'https://hooks.example.org/T0/very-secret-path',
  ALERT_ON_CALL_SECRET: 'signing secret of the hook',
  BACKUP_PASSPHRASE: 'a long passphrase of backups',
  STREAMHUB_SMTP_PASS: 'the mail password',
};
const nameOf = (number: number): string => `app-${String(number).padStart(3, '0')}`;

const exported = async (api: Client): Promise<{ files: File[]; secrets: string[]; warnings: string[] }> => {
  const answer = await api.get('/export');
  assert.equal(answer.status, 200, answer.text);
  for (const value of Object.values(SECRETS)) assert.ok(!answer.text.includes(value), 'the export has a secret');
  assert.ok(!answer.text.includes('sk_'), 'the export has a token');
  return answer.body.data;
};
const plan = async (api: Client, body: object): Promise<any> => {
  const answer = await api.post('/plan', body);
  assert.equal(answer.status, 200, answer.text.slice(0, 3000));
  for (const value of Object.values(SECRETS)) assert.ok(!answer.text.includes(value), 'the plan has a secret');
  return answer.body.data;
};
const apply = async (api: Client, body: object): Promise<any> => {
  const { fingerprint } = await plan(api, body);
  const answer = await api.post('/apply', { ...body, fingerprint });
  assert.equal(answer.status, 200, answer.text.slice(0, 3000));
  return answer.body.data;
};
const textOf = (files: readonly File[], name: string): string =>
  files.find(({ path: one }) => one === name)?.text ?? '';
const withFile = (files: readonly File[], name: string, change: (text: string) => string): File[] =>
  files.map((file) => (file.path === name ? { ...file, text: change(file.text) } : file));
const edited = (files: readonly File[], name: string, change: (value: any) => unknown): File[] =>
  withFile(files, name, (text) => stringify(change(parse(text))));
const done = (changes: readonly any[]): string[] =>
  changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`);

/** Runs `streamhub`. */
async function cli(
  args: string[],
  { source, home, env }: { source: TestDaemon; home: string; env: Record<string, string> },
): Promise<{ code: number; out: string; err: string }> {
  const given = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    STREAMHUB_URL: source.url,
    STREAMHUB_TOKEN: source.token,
  };
  try {
    const { stdout, stderr } = await execute(process.execPath, [BIN, ...args], {
      env: { ...given, ...env },
      cwd: home,
    });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

/** The YAML files of a folder. */
async function readFolder(folder: string): Promise<File[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = found.flatMap((one) =>
    one.isFile() ? path.relative(folder, path.join(one.parentPath, one.name)).split(path.sep).join('/') : [],
  );
  return Promise.all(
    names.map(async (name) => ({ path: name, text: await readFile(path.join(folder, name), 'utf8') })),
  );
}

/** An installation with something of every kind. */
async function furnish({ api }: TestDaemon): Promise<void> {
  const must = async (answer: Promise<{ status: number; text: string; body: any }>): Promise<any> => {
    const { status, text, body } = await answer;
    assert.ok(status < 300, text);
    return body.data ?? body;
  };
  const team = await must(
    api.post('/tenants', { name: 'Studio', quotas: { maxApps: 7 }, ownerEmail: 'owner@example.org' }),
  );
  assert.equal(team.tenant.name, 'Studio');
  for (const number of [1, 2, 3]) await must(api.post('/apps', { name: nameOf(number), displayName: `App ${number}` }));
  await must(api.put('/apps/app-001/s3', { key: SECRETS.APP_APP_001_S3_KEY, secret: SECRETS.APP_APP_001_S3_SECRET }));
  await must(api.patch('/apps/app-001', { callbackSecret: SECRETS.APP_APP_001_CALLBACK_SECRET }));
  const { yaml } = await must(api.get('/apps/app-002/config/raw'));
  const inline = yaml.replace(/^callbacks:\n/m, `callbacks:\n  secret: "${SECRETS.APP_APP_002_CALLBACKS_SECRET}"\n`);
  assert.notEqual(inline, yaml);
  await must(api.put('/apps/app-002/config/raw', { yaml: inline }));
  await must(
    api.post('/alerts/channels', {
      kind: 'webhook',
      name: 'On call',
      url: SECRETS.ALERT_ON_CALL_URL,
      secret: SECRETS.ALERT_ON_CALL_SECRET,
    }),
  );
  await must(api.post('/alerts', { condition: 'disk-low', name: 'Full', threshold: 3, channels: [1] }));
  await must(api.patch('/alerts/disk-low', { threshold: 20 }));
  await must(api.patch('/cluster/settings', { strategy: 'spread' }));
  await must(api.put('/livekit/settings', { text: 'room:\n  empty_timeout: 120 # seconds\n' }));
  await must(api.patch('/backups/plan', { cron: '0 3 * * *', keepLast: 3, passphrase: SECRETS.BACKUP_PASSPHRASE }));
  await must(
    api.patch('/system/settings', {
      values: { STREAMHUB_SMTP_PASS: SECRETS.STREAMHUB_SMTP_PASS, STREAMHUB_SESSION_MAX_DAYS: 60 },
      saveUntested: true,
    }),
  );
  await must(api.post('/security/rules', { cidr: '203.0.113.0/24', action: 'block', note: 'scanners' }));
  const { id } = await must(api.get('/apps/app-001'));
  await must(api.post('/tokens', { name: 'ci', scope: 'app', appId: id, permissions: ['vod:read', 'stream:read'] }));
  await must(api.post('/tokens', { name: 'ci', scope: 'global', readOnly: true, expiresAt: '2099-01-01' }));
}

test('the configuration as a folder', async (t) => {
  const source = await testDaemon(t);
  await furnish(source);
  const folder = await exported(source.api);

  await t.test('has every kind, in a stable order, with references in place of secrets', async () => {
    assert.deepEqual(folder.warnings, []);
    for (const name of [
      'settings',
      'cluster',
      'livekit',
      'teams',
      'backups',
      'alert-channels',
      'alert-rules',
      'tokens',
    ])
      assert.notEqual(textOf(folder.files, `${name}.yaml`), '', name);
    assert.deepEqual(
      folder.secrets.filter((name) => !(name in SECRETS)),
      [],
    );
    assert.match(
      textOf(folder.files, 'apps/app-002/config.yaml'),
      /secret: "\$\{secret:APP_APP_002_CALLBACKS_SECRET\}"/,
    );
    assert.equal(textOf(folder.files, 'livekit.yaml'), 'room:\n  empty_timeout: 120 # seconds\n');
    const tokens = parse(textOf(folder.files, 'tokens.yaml'));
    assert.deepEqual(
      tokens.filter(({ name }: any) => name === 'ci').map(({ scope, app }: any) => [scope, app]),
      [
        ['app', 'app-001'],
        ['global', undefined],
      ],
    );
    assert.ok(folder.files.every(({ text }) => !/createdAt|id: (?!tnt_)/i.test(text)));
    assert.deepEqual(await exported(source.api), folder);
  });

  await t.test('changes nothing where it came from, also without the secrets', async () => {
    const { changes, unresolved } = await plan(source.api, { files: folder.files });
    assert.deepEqual([changes, unresolved], [[], []]);
    const { changes: none, rollbackPoint } = await apply(source.api, { files: folder.files, prune: true });
    assert.deepEqual([none, rollbackPoint], [[], null]);
  });

  await t.test('100 apps, teams, rules and tokens make the same installation elsewhere', async (t) => {
    const config = textOf(folder.files, 'apps/app-003/config.yaml');
    const more = Array.from({ length: 97 }, (_, index) => nameOf(index + 4)).flatMap((name) => [
      { path: `apps/${name}/app.yaml`, text: 'team: Studio\n' },
      {
        path: `apps/${name}/config.yaml`,
        text: config.replaceAll('app-003', name).replaceAll('APP_003', name.toUpperCase().replace('-', '_')),
      },
    ]);
    const files = [...folder.files, ...more];
    const fresh = await testDaemon(t);
    const reviewed = await plan(fresh.api, { files, secrets: SECRETS });
    assert.equal(reviewed.changes.filter(({ kind, action }: any) => kind === 'app' && action === 'create').length, 100);
    const answer = await apply(fresh.api, { files, secrets: SECRETS });
    assert.deepEqual(done(answer.changes), done(reviewed.changes));
    assert.deepEqual(
      answer.invites.map(({ team, email, inviteUrl }: any) => [team, email, typeof inviteUrl]),
      [['Studio', 'owner@example.org', 'string']],
    );
    assert.deepEqual(
      answer.tokens.map(({ name }: any) => name),
      ['ci', 'ci'],
    );
    const [{ token }] = answer.tokens;
    const first = fresh.api.as(token);
    assert.equal((await first.get('/apps/app-001/vods')).status, 200);
    assert.equal((await first.get('/apps/app-001')).status, 403);

    const again = await exported(fresh.api);
    const inOrder = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
    const [{ id: teamId }] = parse(textOf(again.files, 'teams.yaml')).filter(({ name }: any) => name === 'Studio');
    const withIds = inOrder.map(({ path: name, text }) => ({
      path: name,
      text: text === 'team: Studio\n' ? `${text}teamId: ${teamId}\n` : text,
    }));
    assert.deepEqual(again.files, withIds);
    assert.deepEqual((await plan(fresh.api, { files, secrets: SECRETS, prune: true })).changes, []);
    assert.deepEqual((await apply(fresh.api, { files, secrets: SECRETS, prune: true })).changes, []);
    const credentials = await readFile(path.join(fresh.dataDir, 'data', 'secrets.json'), 'utf8');
    for (const value of [SECRETS.APP_APP_001_S3_SECRET, SECRETS.ALERT_ON_CALL_URL, SECRETS.BACKUP_PASSPHRASE])
      assert.ok(credentials.includes(value));
    const app = (await fresh.api.get('/tenants')).body.data.find(({ name }: any) => name === 'Studio');
    assert.deepEqual([app.apps, app.quotas.maxApps], [97, 7]);

    await fresh.stop();
  });

  await t.test('shows a diff that reads well, and secrets only as changed', async () => {
    let files = edited(folder.files, 'alert-rules.yaml', (rules) =>
      rules.map((rule: any) => (rule.name === 'Full' ? { ...rule, threshold: 4 } : rule)),
    );
    files = withFile(files, 'apps/app-001/config.yaml', (text) => text.replace('App 1', 'First app'));
    const secrets = { ALERT_ON_CALL_SECRET: 'another signing secret' };
    const { changes } = await plan(source.api, { files, secrets });
    assert.deepEqual(done(changes), ['change app app-001', 'change alert channel On call', 'change alert rule Full']);
    assert.match(changes[0].diff, /^- display_name: .*App 1.*\n\+ display_name: .*First app/m);
    assert.match(changes[1].diff, /^\+ secret: \(secret, changes\)$/m);
    assert.ok(!changes[1].diff.includes('another'));
    assert.match(changes[2].diff, /^- threshold: 3\n\+ threshold: 4$/m);
  });

  await t.test('names what is wrong with file, line and column, and the nearest name', async () => {
    const refused = async (files: File[]): Promise<string[]> => {
      const answer = await source.api.post('/plan', { files });
      assert.deepEqual([answer.status, answer.body.code], [400, 'FOLDER_INVALID'], answer.text);
      return answer.body.details.map(({ path: place, message }: any) => `${place} ${message}`);
    };
    const one = (name: string, text: string) => refused([{ path: name, text }]);
    assert.deepEqual(await one('teams.yaml', '- name: A\n  quotas:\n    maxApp: 3\n'), [
      'teams.yaml:3:5 0.quotas.maxApp is not a field of this file; did you mean maxApps?',
    ]);
    assert.deepEqual(await one('tokens.yaml', '- name: a\n  scope: golbal\n'), [
      'tokens.yaml:2:3 0.scope must be one of global, app',
    ]);
    assert.match((await one('cluster.yaml', 'strategy: [\n'))[0] as string, /^cluster\.yaml:\d+:\d+ is not valid YAML/);
    assert.match((await one('team.yaml', ''))[0] as string, /^team\.yaml:1:1 .* did you mean teams\.yaml\?$/);
    assert.match(
      (await one('alert-channels.yaml', '- name: a\n  kind: slack\n  url: https://hooks.example.org/x\n'))[0] as string,
      /^alert-channels\.yaml:3:3 0\.url must be a reference/,
    );
    const config = textOf(folder.files, 'apps/app-003/config.yaml').replace(
      /enabled: (true|false)/,
      'enabled: perhaps',
    );
    const line = config.split('\n').findIndex((text) => text.includes('perhaps')) + 1;
    assert.match(
      (await one('apps/app-003/config.yaml', config))[0] as string,
      new RegExp(`^apps/app-003/config\\.yaml:${line}:\\d+ app app-003: `),
    );
    assert.match(
      (
        await one('alert-rules.yaml', '- name: x\n  condition: disk-low\n  threshold: 1\n  channels: [nobody]\n')
      )[0] as string,
      /^alert-rules\.yaml:4:\d+ alert rule x: channels\.0 names no channel \(nobody\)$/,
    );
    assert.match(
      (await one('settings.yaml', 'STREAMHUB_SESSION_MAX_DAY: 3\n'))[0] as string,
      /did you mean STREAMHUB_SESSION_MAX_DAYS\?$/,
    );
    assert.match((await one('livekit.yaml', 'room: 3\n'))[0] as string, /^livekit\.yaml:1:1 livekit: text /);
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    assert.match((await one('teams.yaml', deep))[0] as string, /^teams\.yaml:\d+:\d+ .*(nested|valid YAML)/);
    const misspelt = await source.api.post('/apply', { files: [], fingerprint: 'x', prun: true });
    assert.equal(misspelt.status, 400);
    assert.match(misspelt.text, /did you mean prune/);
    const channels = { path: 'alert-channels.yaml', text: '[]' };
    const mute = await source.api.post('/plan', { files: [channels], prune: true });
    assert.match(mute.body.details[0].message, /^alert channel Desktop notifications: .* tell nobody: Full\.$/);
    const both = { files: [channels, { path: 'alert-rules.yaml', text: '[]' }], prune: true };
    assert.match(done((await plan(source.api, both)).changes).join(), /delete alert rule Full,.*delete alert channel/);
    assert.deepEqual((await plan(source.api, { files: folder.files })).changes, []);
  });

  await t.test('deletes only when asked to, and refuses a plan that is outdated', async () => {
    const files = edited(
      folder.files.filter(({ path: name }) => !name.startsWith('apps/app-003/') && name !== 'cluster.yaml'),
      'tokens.yaml',
      (tokens) => tokens.filter(({ name }: any) => name !== 'ci'),
    );
    const without = await plan(source.api, { files });
    assert.deepEqual(without.changes, []);
    assert.deepEqual(
      without.kept.map(({ kind, name }: any) => `${kind} ${name}`),
      ['app app-003', 'token ci', 'token ci (2)'],
    );
    const reviewed = await plan(source.api, { files, prune: true });
    assert.deepEqual(done(reviewed.changes), ['delete token ci (2)', 'delete token ci', 'delete app app-003']);
    assert.equal((await source.api.patch('/apps/app-003', { displayName: 'Renamed' })).status, 200);
    const late = await source.api.post('/apply', { files, prune: true, fingerprint: reviewed.fingerprint });
    assert.deepEqual([late.status, late.body.code], [409, 'PLAN_OUTDATED']);
    assert.equal((await source.api.get('/apps/app-003')).status, 200);

    const { rollbackPoint } = await apply(source.api, { files, prune: true });
    assert.equal((await source.api.get('/apps/app-003')).status, 404);
    const kept = path.join(source.dataDir, 'data', 'rollback-points');
    for (const name of await readdir(kept)) assert.equal((await stat(path.join(kept, name))).mode & 0o777, 0o600);
    const back = await apply(source.api, { rollbackPoint });
    assert.deepEqual(done(back.changes), ['create app app-003', 'create token ci', 'create token ci (2)']);
    assert.equal((await source.api.get('/apps/app-003')).body.displayName, 'Renamed');
    const own = await source.api.post('/plan', { files: [{ path: 'tokens.yaml', text: '[]' }], prune: true });
    assert.match(own.text, /this is the token that sends the request/);
  });

  await t.test('goes back, with a new team and its app, and forward again', async () => {
    const before = await exported(source.api);
    const config = textOf(before.files, 'apps/app-001/config.yaml');
    const named = config.replaceAll('app-001', 'second').replaceAll('APP_001', 'SECOND');
    const files = [
      ...edited(before.files, 'teams.yaml', (teams) => [...teams, { name: 'Second', people: [] }]),
      { path: 'apps/second/app.yaml', text: 'team: Second\nsecrets:\n  mqttPassword: ${secret:MQTT}\n' },
      { path: 'apps/second/config.yaml', text: named },
    ];
    assert.deepEqual((await plan(source.api, { files })).unresolved, ['MQTT']);
    const { rollbackPoint } = await apply(source.api, { files, secrets: { MQTT: 'a password of MQTT' } });
    const after = await exported(source.api);
    const secrets = path.join(source.dataDir, 'data', 'secrets.json');
    assert.match(await readFile(secrets, 'utf8'), /a password of MQTT/);
    const back = await apply(source.api, { rollbackPoint });
    assert.deepEqual(done(back.changes), ['delete app second', 'delete team Second']);
    assert.deepEqual(await exported(source.api), before);
    assert.doesNotMatch(await readFile(secrets, 'utf8'), /a password of MQTT/);
    await apply(source.api, { rollbackPoint: back.rollbackPoint });
    assert.deepEqual(await exported(source.api), after);
    assert.match(await readFile(secrets, 'utf8'), /a password of MQTT/);
  });

  await t.test('says what was done when a change fails, and goes back', async () => {
    const before = await exported(source.api);
    const config = textOf(before.files, 'apps/app-001/config.yaml');
    const named = (name: string) =>
      config.replaceAll('app-001', name).replaceAll('APP_001', name.toUpperCase().replace('-', '_'));
    const files = [
      { path: 'cluster.yaml', text: 'strategy: same-region\n' },
      ...['early', 'late', 'later'].map((name) => ({ path: `apps/${name}/config.yaml`, text: named(name) })),
      { path: 'tokens.yaml', text: '- name: never\n  scope: global\n' },
    ];
    // a folder that nobody knows is in the way
    await mkdir(path.join(source.dataDir, 'apps', 'late'));
    const { fingerprint } = await plan(source.api, { files });
    const { status, body } = await source.api.post('/apply', { files, fingerprint });
    assert.deepEqual([status, body.code], [500, 'APPLY_STOPPED']);
    assert.match(body.message, /^2 of 5 changes were made, then the change of the app late failed: /);
    assert.deepEqual(done(body.applied), ['change cluster cluster', 'create app early']);
    assert.deepEqual([body.failed.name, body.failed.code], ['late', 'APP_DIRECTORY_EXISTS']);
    assert.deepEqual(done(body.notApplied), ['create app later', 'create token never']);
    const [point] = (await source.api.get('/rollback-points')).body.data;
    assert.deepEqual([point.id, point.state], [body.rollbackPoint, 'stopped']);
    const [entry] = (await source.api.get('/audit?action=configuration.apply&limit=1')).body.data;
    assert.deepEqual([entry.outcome, done(entry.after.changes)], ['failed', done(body.applied)]);
    const back = await apply(source.api, { rollbackPoint: body.rollbackPoint });
    assert.deepEqual(done(back.changes), ['change cluster cluster', 'delete app early']);
    await rm(path.join(source.dataDir, 'apps', 'late'), { recursive: true });
    assert.deepEqual(await exported(source.api), before);
  });

  await t.test('points out a secret as plain text', async () => {
    const text = textOf(folder.files, 'apps/app-002/config.yaml').replace(/"\$\{secret:.*\}"/, 'open to all');
    const { changes } = await plan(source.api, { files: [{ path: 'apps/app-002/config.yaml', text }] });
    assert.match(changes[0].warnings.join(), /has a secret as plain text/);
    assert.doesNotMatch(changes[0].diff, /open to all/);
  });

  await t.test('a reference without a value keeps the secret of its place in a config', async () => {
    const name = 'apps/app-003/config.yaml';
    const before = textOf((await exported(source.api)).files, name);
    const stored = async () => (await source.api.get('/apps/app-003/config/raw')).body.data.yaml as string;
    const tool = async () => parse(await stored()).tool;
    const body = (text: string, secrets = {}) => ({ files: [{ path: name, text: before + text }], secrets });
    const settles = async (text: string, secrets: Record<string, string>, wanted: unknown): Promise<void> => {
      const answer = JSON.stringify(await plan(source.api, body(text, secrets)));
      for (const value of Object.values(secrets)) assert.ok(value.length < 6 || !answer.includes(value), answer);
      assert.doesNotMatch(answer, /plain text/);
      await apply(source.api, body(text, secrets));
      assert.deepEqual(await tool(), wanted);
      for (const again of [body(text), body(text, secrets)]) {
        const { changes, unresolved } = await plan(source.api, again);
        assert.deepEqual([changes, unresolved], [[], []], text);
      }
    };
    const odd = { A: 'ab #TOPSECRET', B: 'a: b', C: '@x', D: '*x', E: '0123', F: 'C:\\n"\'', G: ' x ' };
    const names = Object.keys(odd).map((one) => `\${secret:${one}}`);
    await settles(`tool:\n${names.map((one) => `  - ${one}\n  - [${one}, "${one}", x-${one}]\n`).join('')}`, odd, [
      ...Object.values(odd).flatMap((value) => [value, [value, value, `x-${value}`]]),
    ]);
    const part = { URL_PATH: 'T0/HOOKSEKRET', KEY: 'realsecret0123456789' };
    const hook = { url: 'https://hooks.example.com/services/T0/HOOKSEKRET', secret: part.KEY };
    const hooks = (host: string) =>
      `tool:\n  url: https://${host}/services/\${secret:URL_PATH}\n  secret: "\${secret:KEY}" # of ours\n`;
    const shown = await plan(source.api, body(hooks('hooks.example.com'), part));
    assert.match(shown.changes[0].diff, /^\+ {3}url: "\*{4}"\n\+ {3}secret: "\*{4}" # of ours$/m);
    await settles(hooks('hooks.example.com'), part, hook);
    // where the text around it differs too, only the value can tell
    const other = body(hooks('example.net'));
    const { unresolved, fingerprint, changes: hidden } = await plan(source.api, other);
    assert.deepEqual(unresolved, ['URL_PATH']);
    assert.doesNotMatch(hidden[0].diff, /SEKRET/);
    const refused = await source.api.post('/apply', { ...other, fingerprint });
    assert.deepEqual([refused.status, refused.body.code], [400, 'FOLDER_INVALID'], refused.text);
    assert.match(refused.text, /config\.yaml:\d+:37.*needs a value for URL_PATH/);
    assert.deepEqual(await tool(), hook);

    // an export, with the entries of a list in another order, and without one
    const entry = (host: string, token: string) => `  - host: ${host}\n    token: ${token}\n`;
    const stated = `tool:\n${entry('a', 'token-of-a')}${entry('b', "'token of b'")}${entry('c', 'token-of-c')}`;
    const { yaml } = { yaml: (await stored()).replace(/^tool:[\s\S]*/m, stated) };
    assert.equal((await source.api.put('/apps/app-003/config/raw', { yaml })).status, 200);
    const entries = textOf((await exported(source.api)).files, name).slice(before.length + 'tool:\n'.length);
    const [a = '', b = '', c = ''] = entries.split(/(?<=\n)(?= {2}-)/);
    assert.match(b, /host: b\n {4}token: "\$\{secret:APP_APP_003_TOOL_TOKEN_2\}"/);
    const [ofA, ofB, ofC] = [
      { host: 'a', token: 'token-of-a' },
      { host: 'b', token: 'token of b' },
      { host: 'c', token: 'token-of-c' },
    ];
    assert.deepEqual((await plan(source.api, body(`tool:\n${a}${b}${c}`))).changes, []);
    await settles(`tool:\n${b}${a}${c}`, {}, [ofB, ofA, ofC]);
    await settles(`tool:\n${a}${c}`, {}, [ofA, ofC]);
    await settles(`tool:\n${c}`, {}, [ofC]);
    assert.equal((await source.api.put('/apps/app-003/config/raw', { yaml: before })).status, 200);
  });

  await t.test('settings and address rules settle in every spelling, and faults name their setting', async () => {
    const before = await exported(source.api);
    const files = [
      {
        path: 'settings.yaml',
        text: 'METRICS_TOKEN: ${secret:METRICS_TOKEN}\nSTREAMHUB_TRUSTED_PROXIES: 127.0.0.1, 10.0.0.0/8\nRTMP_PUBLIC_HOST: ""\n',
      },
      {
        path: 'address-rules.yaml',
        text: '- { cidr: 198.51.100.1, action: block, note: "" }\n- { cidr: 198.51.100.2, action: block, note: "  x  " }\n',
      },
    ];
    const first = await plan(source.api, { files });
    assert.deepEqual(first.unresolved, ['METRICS_TOKEN']);
    assert.deepEqual(
      first.changes.map(({ action, kind }: any) => `${action} ${kind}`),
      ['create setting', 'create address rule', 'create address rule'],
    );
    const { rollbackPoint } = await apply(source.api, { files });
    assert.deepEqual((await plan(source.api, { files })).changes, []);
    // an empty value unsets what is stored
    const unset = [{ path: 'settings.yaml', text: 'STREAMHUB_TRUSTED_PROXIES: ""\n' }];
    const second = await apply(source.api, { files: unset });
    assert.deepEqual((await plan(source.api, { files: unset })).changes, []);
    await apply(source.api, { rollbackPoint: second.rollbackPoint });
    await apply(source.api, { rollbackPoint });
    assert.deepEqual(await exported(source.api), before);
    const text = 'STREAMHUB_SESSION_MAX_DAYS: 61\nSTREAMHUB_SMTP_PORT: 0\n';
    const wrong = await source.api.post('/plan', { files: [{ path: 'settings.yaml', text }] });
    assert.deepEqual(
      wrong.body.details.map(({ path: place, message }: any) => `${place} ${message}`),
      ['settings.yaml:2:1 setting STREAMHUB_SMTP_PORT: must be a whole number from 1 to 65535'],
    );
  });

  await t.test(
    'each channel has a separate reference, even if names differ only in letters that references can’t have',
    async () => {
      const ids: number[] = [];
      for (const name of ['Ops Slack', 'Ops-Slack', 'Дежурный', '当番']) {
        const body = { kind: 'webhook', name, url: `https://hooks.example.org/${ids.length}` };
        const answer = await source.api.post('/alerts/channels', body);
        assert.equal(answer.status, 201, answer.text);
        ids.push(answer.body.data.id);
      }
      const urls = parse(textOf((await exported(source.api)).files, 'alert-channels.yaml')).map(({ url }: any) => url);
      assert.equal(new Set(urls).size, urls.length, urls.join());
      for (const id of ids) await source.api.delete(`/alerts/channels/${id}`);
    },
  );

  await t.test('is one entry of the audit trail, with its parts and without secrets', async () => {
    const files = [{ path: 'cluster.yaml', text: 'strategy: fewest-rooms\n' }];
    const { rollbackPoint } = await apply(source.api, { files });
    const [entry] = (await source.api.get('/audit?action=configuration.apply&limit=1')).body.data;
    assert.equal(entry.target, `roll-back point ${rollbackPoint}`);
    assert.match(JSON.stringify(entry.after), /change.*cluster/);
    const points = (await source.api.get('/rollback-points')).body.data;
    assert.deepEqual(
      [points[0].id, points[0].state, done(points[0].changes)],
      [rollbackPoint, 'applied', ['change cluster cluster']],
    );
    assert.equal((await source.api.post('/plan', { rollbackPoint: 9999 })).body.code, 'ROLLBACK_POINT_UNKNOWN');
  });

  await t.test('works from the command line, with the exit codes of CI', async (t) => {
    const home = await temporaryDir(t);
    const folder = path.join(home, 'studio');
    const run = (args: string[], env: Record<string, string> = {}) => cli(args, { source, home, env });
    const must = async (args: string[], code: number, env: Record<string, string> = {}) => {
      const result = await run(args, env);
      assert.equal(result.code, code, `${args.join(' ')}\n${result.out}\n${result.err}`);
      for (const value of Object.values(SECRETS)) assert.ok(!(result.out + result.err).includes(value));
      return result;
    };
    const [, files, written] =
      /^(\d+) files in .*: (\d+) written, 0 removed\.\n$/.exec((await must(['export', folder], 0)).out) ?? [];
    assert.equal(written, files);
    await mkdir(path.join(folder, 'apps', 'gone'));
    await writeFile(path.join(folder, 'apps', 'gone', 'app.yaml'), 'name: gone\n');
    assert.match((await must(['export', folder], 0)).out, /: 0 written, 1 removed\.\n$/);
    assert.equal((await must(['plan', folder], 0)).out, 'Nothing to change.\n');
    assert.equal((await must(['apply', folder, '--yes'], 0)).out, 'Nothing to change.\n');

    const tokens = path.join(folder, 'tokens.yaml');
    const before = await readFile(tokens, 'utf8');
    const named = (name: string) => writeFile(tokens, `${before}- name: "${name}"\n  scope: global\n`);
    await named('hidden\\e[2J\\r\\nNothing to change.');
    const refused = await must(['plan', folder], 1);
    assert.match(refused.err, /tokens\.yaml:\d+:3: .*name must be a text on one line, without control characters/);
    await named('hidden\\u202e\\u2066Nothing to change.');
    const hostile = await must(['plan', folder], 2);
    assert.match(
      hostile.out,
      /^\+ token hidden\ufffd\ufffdNothing to change\.$/m,
      'a name does nothing to the terminal',
    );
    await writeFile(tokens, `${before}- name: deploy\n  scope: global\n`);
    await writeFile(path.join(folder, 'cluster.yaml'), 'strategy: same-region\n');
    const planned = await must(['plan', folder], 2);
    assert.match(
      planned.out,
      /^~ cluster cluster\n {4}- strategy: .*\n {4}\+ strategy: same-region\n\+ token deploy$/m,
    );
    assert.match(planned.out, /^Plan: 1 to create, 1 to change, 0 to delete\.$/m);
    const changed = JSON.parse(
      (await must(['plan', folder, '--json'], 2, { ALERT_ON_CALL_SECRET: 'from the environment' })).out,
    );
    assert.ok(changed.changes.some(({ kind }: any) => kind === 'alert channel'));
    assert.match((await must(['apply', folder], 2)).err, /add --yes to agree/);
    const file = path.join(home, 'tokens.txt');
    const applied = await must(['apply', folder, '--yes', '--tokens-file', file], 0);
    assert.doesNotMatch(applied.out, /sk_/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const token = /^sk_\S+$/m.exec(await readFile(file, 'utf8'))?.[0] as string;
    assert.equal((await source.api.as(token).get('/apps')).status, 200);
    await must(['plan', folder], 0);
    assert.match(
      (await must(['apply', folder, '--yes', '--tokens-file', file, '--prune'], 0)).out,
      /Nothing to change/,
    );
    const occupied = await must(['apply', '--result', '1', '--tokens-file', file], 2);
    assert.match(occupied.err, /^streamhub: --tokens-file: \S+tokens\.txt exists already; name a new file$/m);
    // nothing is left of a refusal, and an empty file of an interrupted attempt is taken
    const unused = path.join(home, 'unused.txt');
    for (const left of [false, true]) {
      if (left) await writeFile(unused, '', { mode: 0o600 });
      assert.match((await must(['apply', '--result', '999', '--tokens-file', unused], 5)).err, /roll-back point/);
      await assert.rejects(stat(unused), { code: 'ENOENT' });
    }

    // who leaves before the end reads the new tokens later
    await writeFile(tokens, `${await readFile(tokens, 'utf8')}- name: later\n  scope: global\n`);
    const later = await readFolder(folder);
    const { fingerprint } = await plan(source.api, { files: later });
    const body = { files: later, fingerprint };
    const job = (await source.api.post('/apply', body, { prefer: 'respond-async' })).body.data;
    await until('the end', async () => (await source.api.get(`/jobs/${job.id}`)).body.data.state === 'succeeded');
    const [{ id }] = (await source.api.get('/rollback-points')).body.data;
    assert.match((await must(['apply', '--result', String(id)], 0)).out, /^Token later, shown only now: sk_\S+$/m);
    assert.match((await must(['apply', '--result', String(id)], 1)).err, /nothing that you can read/);
    await must(['apply', '--rollback', '--yes'], 0);

    // a change that fails, with the way back by itself
    const config = await readFile(path.join(folder, 'apps/app-001/config.yaml'), 'utf8');
    await mkdir(path.join(folder, 'apps/blocked'));
    const blocked = config.replaceAll('app-001', 'blocked').replaceAll('APP_001', 'BLOCKED');
    await writeFile(path.join(folder, 'apps/blocked/config.yaml'), blocked);
    await writeFile(path.join(folder, 'cluster.yaml'), 'strategy: fewest-rooms\n');
    await mkdir(path.join(source.dataDir, 'apps', 'blocked'));
    const settings = async () => (await source.api.get('/cluster/settings')).body.data.strategy;
    const failed = await must(['apply', folder, '--yes', '--rollback-on-failure'], 1);
    assert.match(failed.err, /^Changed: change cluster cluster\.$/m);
    assert.match(failed.err, /^Going back to roll-back point \d+\.$/m);
    assert.match(failed.err, /the change of the app blocked failed/);
    assert.equal(await settings(), 'same-region');
    await rm(path.join(source.dataDir, 'apps', 'blocked'), { recursive: true });
    await rm(path.join(folder, 'apps/blocked'), { recursive: true });

    await must(['plan', '--rollback', String(id - 1)], 2);
    await must(['apply', '--rollback', String(id - 1), '--yes'], 0);
    assert.equal((await source.api.as(token).get('/apps')).status, 401);
    await writeFile(path.join(folder, 'cluster.yaml'), 'strategie: spread\n');
    const wrong = await must(['plan', folder], 1);
    assert.match(wrong.err, /cluster\.yaml:1:1: strategie is not a field of this file; did you mean strategy\?/);
    await must(['plan', '--no-such-option'], 1);
    await must(['plan', path.join(home, 'nothing')], 1);
    await must(['apply', path.join(home, 'nothing')], 2);
  });

  await t.test('plans what needs a secret that is still to be given, and doesn’t apply it without', async () => {
    const text = '- name: Pager\n  kind: webhook\n  url: ${secret:PAGER_URL}\n';
    const files = [{ path: 'alert-channels.yaml', text }];
    const { unresolved, fingerprint } = await plan(source.api, { files });
    assert.deepEqual(unresolved, ['PAGER_URL']);
    const refused = await source.api.post('/apply', { files, fingerprint });
    assert.deepEqual([refused.status, refused.body.code], [400, 'FOLDER_INVALID'], refused.text);
    const secrets = { PAGER_URL: 'https://pager.example.org/hook' };
    const { rollbackPoint } = await apply(source.api, { files, secrets });
    await apply(source.api, { rollbackPoint });
  });

  await t.test('refuses too many files, too large ones, foreign paths and YAML that unfolds', async () => {
    const refused = async (body: object): Promise<any> => {
      const { status, body: answer } = await source.api.post('/plan', body);
      return { status, text: JSON.stringify(answer) };
    };
    const many = Array.from({ length: 4001 }, (_, index) => ({ path: `apps/a${index}/app.yaml`, text: '' }));
    assert.deepEqual((await refused({ files: many })).status, 400);
    const large = await refused({ files: [{ path: 'livekit.yaml', text: 'x'.repeat(262_145) }] });
    assert.equal(large.status, 400);
    assert.match(large.text, /files\.0\.text/);
    const whole = Array.from({ length: 34 }, () => ({ path: 'livekit.yaml', text: 'x'.repeat(260_000) }));
    assert.equal((await refused({ files: whole })).status, 413);
    for (const path of ['../teams.yaml', '/etc/passwd', 'apps/../teams.yaml', 'apps/a/b/app.yaml', 'apps/A/app.yaml']) {
      const { status, text } = await refused({ files: [{ path, text: '[]' }] });
      assert.equal(status, 400, path);
      assert.match(text, /is not a file of a configuration folder/);
    }
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`);
    const aliases = await refused({ files: [{ path: 'settings.yaml', text: `a0: &a0 [x]\n${levels.join('\n')}\n` }] });
    assert.equal(aliases.status, 400);
    assert.match(aliases.text, /settings\.yaml:\d+:\d+/);
  });

  await t.test('two applies at the same time don’t mix', async () => {
    const [one, two] = ['one-of-two', 'two-of-two'].map((name) => [
      { path: `apps/${name}/app.yaml`, text: 'secrets: {}\n' },
    ]);
    const before = await exported(source.api);
    const send = async (files: object) => {
      const { fingerprint } = await plan(source.api, { files });
      return () => source.api.post('/apply', { files, fingerprint });
    };
    const requests = [await send(one as object), await send(two as object)];
    const answers = await Promise.all(requests.map((request) => request()));
    const codes = answers.map(({ status, body }) => (status === 200 ? 'made' : body.code));
    const made = codes.filter((code) => code === 'made');
    assert.ok(made.length >= 1 && codes.every((code) => code === 'made' || code === 'APPLY_BUSY'), codes.join());
    for (const { body } of answers.reverse())
      if (body.data) await apply(source.api, { rollbackPoint: body.data.rollbackPoint });
    assert.deepEqual(await exported(source.api), before);
  });

  await t.test('can be cancelled between two changes, and goes back', async () => {
    const before = await exported(source.api);
    const files = Array.from({ length: 60 }, (_, index) => ({
      path: `apps/cancelled-${index}/app.yaml`,
      text: 'secrets: {}\n',
    }));
    const { fingerprint } = await plan(source.api, { files });
    const { id } = (await source.api.post('/apply', { files, fingerprint }, { prefer: 'respond-async' })).body.data;
    const job = async () => (await source.api.get(`/jobs/${id}`)).body.data;
    await until('the first change', async () => ((await job()).progress?.done ?? 0) > 0);
    assert.equal((await source.api.post(`/jobs/${id}/cancel`)).status, 200);
    await until('the end', async () => (await job()).state === 'cancelled');
    const [point] = (await source.api.get('/rollback-points')).body.data;
    const { made } = (await job()).result;
    assert.deepEqual([point.job, point.state, point.made], [id, 'cancelled', made]);
    const apps = (await source.api.get('/apps')).body.filter((app: { name: string }) =>
      app.name.startsWith('cancelled-'),
    );
    assert.ok(
      made > 0 && made < files.length && apps.length === made,
      `${made} of ${files.length}, ${apps.length} apps`,
    );
    await apply(source.api, { rollbackPoint: point.id });
    assert.deepEqual(await exported(source.api), before);
  });

  await t.test('an app that comes back has its history, and the plan says what has not come back', async () => {
    const { id } = (await source.api.get('/apps/app-003')).body;
    const { token } = (await source.api.post('/tokens', { name: 'of 3', scope: 'app', appId: id })).body;
    const { files } = await exported(source.api);
    const without = files.filter(({ path: name }) => !name.startsWith('apps/app-003/'));
    // a folder that lists a token of an app that it deletes contradicts itself
    const wrong = await source.api.post('/plan', { files: without, prune: true });
    assert.match(wrong.text, /names an app that the same plan deletes \(app-003\)/);
    const onlyApps = without.filter(({ path: name }) => name.startsWith('apps/'));
    const history = async () => (await source.api.get('/apps/app-003/config/backups')).body.data.length;
    assert.equal((await source.api.patch('/apps/app-003', { displayName: 'Once more' })).status, 200);
    const versions = await history();
    assert.ok(versions > 0);
    const { changes, rollbackPoint } = await apply(source.api, { files: onlyApps, prune: true });
    assert.deepEqual(done(changes), ['delete token of 3', 'delete app app-003']);
    assert.equal((await source.api.as(token).get('/apps/app-003')).status, 401);
    const planned = await plan(source.api, { rollbackPoint });
    const app = planned.changes.find(({ kind }: any) => kind === 'app');
    assert.match(app.warnings.join(), /comes back from the archive, with its history/);
    const back = await apply(source.api, { rollbackPoint });
    assert.deepEqual(done(back.changes), ['create app app-003', 'create token of 3']);
    assert.equal((await source.api.as(back.tokens[0].token).get('/apps/app-003/vods')).status, 200);
    assert.ok((await history()) >= versions, 'the history of the config came back');

    // without the archive it comes back empty, and the plan says so
    const again = await apply(source.api, { files: onlyApps, prune: true });
    const archive = path.join(source.dataDir, 'archive');
    await rm(archive, { recursive: true });
    const { changes: empty } = await plan(source.api, { rollbackPoint: again.rollbackPoint });
    const warned = empty.find(({ kind }: any) => kind === 'app').warnings.join();
    assert.match(warned, /no longer in the archive, so it comes back without its history/);
    await apply(source.api, { rollbackPoint: again.rollbackPoint });
    assert.equal((await source.api.get('/apps/app-003')).body.displayName, 'Once more');
  });

  await t.test('is closed to tokens of one app and of a team', async () => {
    const { id } = (await source.api.get('/apps/app-001')).body;
    const { token } = (await source.api.post('/tokens', { name: 'x', scope: 'app', appId: id })).body;
    for (const answer of [
      await source.api.as(token).get('/export'),
      await source.api.as(token).post('/plan', { files: [] }),
      await source.api.as(token).post('/apply', { files: [], fingerprint: 'x' }),
      await source.api.as(token).get('/rollback-points'),
    ])
      assert.equal(answer.status, 403, answer.text);
  });
});

test('a team is known by its id, so a renaming gives nobody what another team has', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const mallory = await makeTeam(daemon, 'mallory');
  const victim = await makeTeam(daemon, 'victim');
  const rename = async (who: typeof mallory, name: string) =>
    assert.equal((await who.owner.api.patch('/teams/mine', { name })).status, 200);
  const named = async (): Promise<unknown> =>
    Object.fromEntries((await daemon.api.get('/tenants')).body.data.map(({ id, name }: any) => [id, name]));
  const people = 'people: [{ email: victim-owner@example.com, role: owner }]';
  const byHand = [
    { path: 'teams.yaml', text: `- name: victim\n  plan: business\n  quotas: { maxApps: 50 }\n  ${people}\n` },
    { path: 'apps/vidapp/app.yaml', text: 'team: victim\n' },
  ];
  const before = await exported(daemon.api);

  await t.test('a name that two teams have means neither', async () => {
    await rename(mallory, 'victim');
    for (const [files, field] of [
      [byHand, 'id'],
      [byHand.slice(1), 'teamId'],
    ] as const) {
      const { status, body } = await daemon.api.post('/plan', { files, prune: true });
      assert.deepEqual([status, body.code], [400, 'FOLDER_INVALID']);
      assert.match(body.message, new RegExp(`${field} must tell which team is meant`));
      for (const { id } of [mallory, victim]) assert.ok(body.message.includes(id), body.message);
    }
    const files = [
      { path: 'teams.yaml', text: `${byHand[0]?.text}  id: ${victim.id}\n` },
      { path: 'apps/vidapp/app.yaml', text: `team: victim\nteamId: ${victim.id}\n` },
    ];
    const { changes } = await plan(daemon.api, { files });
    assert.deepEqual(done(changes), [`change team victim (${victim.id})`, 'create app vidapp']);
  });

  await t.test('an export goes back to the names that it has, and deletes no one else’s team', async () => {
    const now = await exported(daemon.api);
    assert.deepEqual((await plan(daemon.api, { files: now.files, prune: true })).changes, []);
    await rename(victim, 'Victims');
    const { changes } = await apply(daemon.api, { files: before.files, prune: true });
    assert.deepEqual(done(changes), ['change team victim', 'change team Victims']);
    assert.deepEqual(await exported(daemon.api), before);
    // two teams of one name, elsewhere
    const fresh = await testDaemon(t);
    await apply(fresh.api, { files: now.files, prune: true });
    assert.deepEqual((await exported(fresh.api)).files, now.files);
    await fresh.stop();
  });

  await t.test(
    'a folder without ids means the only team of a name; a roll-back means the team that was made',
    async () => {
      const { changes } = await apply(daemon.api, { files: byHand });
      assert.deepEqual(done(changes), ['change team victim', 'create app vidapp']);
      assert.deepEqual((await plan(daemon.api, { files: byHand })).changes, []);
      assert.equal((await mallory.owner.api.get('/apps')).text, '[]');
      const { rollbackPoint } = await apply(daemon.api, {
        files: [
          { path: 'teams.yaml', text: `- name: New\n` },
          { path: 'apps/another/app.yaml', text: 'team: New\n' },
        ],
      });
      const { id } = (await daemon.api.get('/tenants')).body.data.find(({ name }: any) => name === 'New');
      assert.equal((await daemon.api.patch(`/tenants/${id}`, { name: 'Newer' })).status, 200);
      await rename(mallory, 'New');
      const back = await apply(daemon.api, { rollbackPoint });
      assert.deepEqual(done(back.changes), ['delete app another', 'delete team Newer']);
      const left = { platform: 'Platform', [mallory.id]: 'New', [victim.id]: 'victim' };
      assert.deepEqual(await named(), left);
      await apply(daemon.api, { rollbackPoint: back.rollbackPoint });
      assert.deepEqual(await named(), { ...left, [id]: 'Newer' });
    },
  );
});

test('a full disk stops an apply, and leaves the way back', { skip: noMountNamespace() }, async (t) => {
  assert.deepEqual(await runInMountNamespace(t, 'apply-on-full-disk.ts'), {
    refused: 'STORAGE_FULL',
    untouched: true,
    failed: true,
    hasEnded: true,
    ended: 200,
    isBack: true,
  });
});

test('an apply that is killed again and again ends whole, and so does its roll-back', async (t) => {
  const dataDir = await temporaryDir(t);
  let daemon = await daemonProcess(t, dataDir);
  const outputs = [daemon];
  assert.equal((await daemon.api.post('/apps', { name: 'before' })).status, 201);
  const before = await exported(daemon.api);
  const config = textOf(before.files, 'apps/before/config.yaml');
  const others = before.files.filter(
    ({ path: name }) => !['apps/before/app.yaml', 'teams.yaml', 'tokens.yaml'].includes(name),
  );
  const named = (name: string) =>
    config.replaceAll('before', name).replaceAll('BEFORE', name.toUpperCase().replace('-', '_'));
  const names = Array.from({ length: 20 }, (_, index) => `token ${index}`);
  const files = [
    ...withFile(others, 'apps/before/config.yaml', (text) =>
      text.replace(/^display_name: .*$/m, 'display_name: After'),
    ),
    { path: 'apps/before/app.yaml', text: 'secrets:\n  mqttPassword: ${secret:MQTT}\n' },
    ...Array.from({ length: 16 }, (_, index) => ({
      path: `apps/${nameOf(index)}/config.yaml`,
      text: named(nameOf(index)),
    })),
    { path: 'teams.yaml', text: '- name: Studio\n  people: [{ email: one@example.org, role: owner }]\n' },
    { path: 'tokens.yaml', text: stringify(names.map((name) => ({ name, scope: 'app', app: nameOf(1) }))) },
  ];
  const secrets = { MQTT: 'a password that no log has' };

  /** Kills the daemon after so many changes, starts it again, and waits for the end of the apply. */
  const applyWithKills = async (body: object, kills: readonly number[]): Promise<any> => {
    const { fingerprint } = await plan(daemon.api, body);
    const begun = await daemon.api.post('/apply', { ...body, fingerprint }, { prefer: 'respond-async' });
    assert.equal(begun.status, 202, begun.text);
    assert.equal(begun.headers.get('location'), `/api/v1/jobs/${begun.body.data.id}`);
    const job = async () => (await daemon.api.get(`/jobs/${begun.body.data.id}`)).body.data;
    for (const kill of kills) {
      await until(`${kill} changes`, async () => ((await job()).progress?.done ?? 0) >= kill);
      await daemon.end('SIGKILL');
      daemon = await daemonProcess(t, dataDir);
      outputs.push(daemon);
    }
    await until('the end of the apply', async () => !['queued', 'running'].includes((await job()).state));
    const ended = await job();
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended));
    return ended.result;
  };

  const { rollbackPoint } = await applyWithKills({ files, secrets }, [3, 22]);
  const [point] = (await daemon.api.get('/rollback-points')).body.data;
  assert.deepEqual([point.id, point.state, point.made, point.answer], [rollbackPoint, 'applied', 38, true]);
  assert.deepEqual((await plan(daemon.api, { files, secrets })).changes, []);
  // the new tokens and the link are there for the one who applied, once
  const reader = (await daemon.api.post('/tokens', { name: 'another reader', scope: 'global' })).body.token;
  const address = `/rollback-points/${rollbackPoint}/answer`;
  assert.equal((await daemon.api.as(reader).post(address)).body.code, 'APPLIED_ANSWER_GONE');
  const { tokens, invites } = (await daemon.api.post(address)).body.data;
  assert.deepEqual(tokens.map(({ name }: any) => name).sort(), [...names].sort());
  for (const { token } of tokens) assert.equal((await daemon.api.as(token).get(`/apps/${nameOf(1)}`)).status, 200);
  assert.deepEqual(
    invites.map(({ email, inviteUrl }: any) => [email, typeof inviteUrl]),
    [['one@example.org', 'string']],
  );
  await until('nothing left to read', async () => (await daemon.api.post(address)).status === 410);
  const live = (await daemon.api.get('/tokens')).body.filter(
    ({ name, revoked }: any) => !revoked && names.includes(name),
  );
  assert.equal(live.length, names.length, 'a token was made twice');

  await applyWithKills({ rollbackPoint }, [12]);
  assert.deepEqual(
    edited((await exported(daemon.api)).files, 'tokens.yaml', (list) =>
      list.filter(({ name }: any) => name !== 'another reader'),
    ),
    before.files,
  );
  const points = path.join(dataDir, 'data', 'rollback-points');
  const kept = async () => (await readdir(points)).filter((name) => /after|sealed/.test(name));
  const isForgotten = () => until('what was to be done is forgotten', async () => (await kept()).length === 0);
  await isForgotten();
  // the first point is no longer the newest, and a kill came before its end was noted
  await daemon.end('SIGKILL');
  const head = path.join(points, '1.json');
  await writeFile(head, JSON.stringify({ ...JSON.parse(await readFile(head, 'utf8')), state: 'applying' }));
  await writeFile(path.join(points, '1.after.json'), '{}');
  daemon = await daemonProcess(t, dataDir);
  outputs.push(daemon);
  await isForgotten();
  assert.equal(JSON.parse(await readFile(head, 'utf8')).state, 'applied');
  const written = ['logs', 'data'].map(async (folder) => {
    const found = await readdir(path.join(dataDir, folder), { withFileTypes: true });
    return found.filter((one) => one.isFile()).map(({ name }) => path.join(dataDir, folder, name));
  });
  for (const file of (await Promise.all(written)).flat()) {
    if (file.endsWith('secrets.json')) continue;
    const text = await readFile(file);
    assert.ok(!text.includes(secrets.MQTT), file);
    for (const { token } of tokens) assert.ok(!text.includes(token), file);
  }
  for (const { stdout, stderr } of outputs) assert.ok(!(stdout() + stderr()).includes(secrets.MQTT));
});
