// own process: its helpers start servers while they load
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { TEST_TOKEN } from '#test/helpers/daemon.ts';
import { join } from '#test/helpers/participant.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { inTerminal, piped, terminalMissing } from '#test/helpers/terminal.ts';
import { until } from '#test/helpers/until.ts';
import './media.ts';
import './shells.ts';
import './sign-in.ts';
import {
  api,
  CLUSTER_TOKEN,
  CONTEXTS,
  daemon,
  file,
  folder,
  json,
  REMOTE,
  s3,
  screen,
  session,
  shows,
  withoutLivekit,
  withoutS3,
} from './world.ts';

describe('in a terminal, against a daemon with TLS', { skip: terminalMissing }, () => {
  test('connect asks for the token without an echo, and contexts remember the daemon and its authority', async () => {
    const address = daemon.url.replace('127.0.0.1', 'localhost');
    const untrusted = await piped(['connect', address, '--token-stdin', '--credential-file'], CONTEXTS, TEST_TOKEN);
    assert.equal(untrusted.code, 3, untrusted.err);
    assert.match(untrusted.err, /certificate can’t be verified[\s\S]*--ca-file/);

    const connect = inTerminal(
      ['connect', address, '--ca-file', file('cert.pem'), '--name', 'far', '--credential-file'],
      CONTEXTS,
    );
    await connect.sees(/API token: $/);
    connect.type(`${TEST_TOKEN}\r`);
    const connected = await connect.ended;
    assert.equal(connected.code, 0, connected.screen);
    assert.match(connected.screen, /Connected to https:\/\/localhost:\d+ .*The context far is now the current one/);
    assert.ok(!connected.screen.includes(TEST_TOKEN));
    assert.equal((await stat(file('config/credentials.json'))).mode & 0o777, 0o600);
    assert.ok(!(await readFile(file('config/contexts.json'), 'utf8')).includes(TEST_TOKEN));

    const apps = await inTerminal(['apps'], CONTEXTS).ended;
    assert.deepEqual([apps.code, /NAME +DISPLAY NAME[\s\S]*live/.test(apps.screen)], [0, true], apps.screen);
    assert.match((await inTerminal(['contexts'], CONTEXTS).ended).screen, /far +yes +https:\/\/localhost/);
    assert.equal((await inTerminal(['contexts', 'use', 'none'], CONTEXTS).ended).code, 2);
    assert.equal((await inTerminal(['contexts', 'use', 'far'], CONTEXTS).ended).code, 0);
    // the token of the environment is for STREAMHUB_URL, and never sent to a context
    assert.equal(
      (await inTerminal(['apps', '--context', 'far'], { ...CONTEXTS, STREAMHUB_TOKEN: 'sk_wrong' }).ended).code,
      0,
    );
    assert.equal((await inTerminal(['contexts', 'rm', 'far'], CONTEXTS).ended).code, 0);
    assert.equal(await readFile(file('config/credentials.json'), 'utf8'), '{}\n');
    assert.equal((await inTerminal(['apps'], CONTEXTS).ended).code, 2);
  });

  test('without a keychain it says so before it asks for a secret, and names both other ways', async () => {
    const refused = await piped(
      ['connect', daemon.url, '--ca-file', file('cert.pem'), '--token-stdin'],
      CONTEXTS,
      TEST_TOKEN,
    );
    assert.equal(refused.code, 1);
    assert.match(refused.err, /no keychain[\s\S]*STREAMHUB_TOKEN[\s\S]*--credential-file/);
  });

  test('apps: create, list in every format, get, sizes, remove with a question', async () => {
    await shows('apps create shop --display-name Laden', /Created shop\./);
    const [table, yaml, csv] = [
      await shows('apps'),
      await shows('apps -o yaml'),
      await shows('apps -o csv --columns name,displayName'),
    ];
    assert.match(table, /^shop +Laden/m);
    const names = parse(yaml).map((app: any) => app.name);
    assert.ok(
      ['live', 'shop'].every((name) => names.includes(name)),
      yaml,
    );
    assert.match(csv, /^name,displayName\n(?:.*\n)*live,Live\n(?:.*\n)*shop,Laden\n/);
    assert.equal((await json('apps get shop')).displayName, 'Laden');
    await shows('apps sizes shop', /vod count +0/);
    const refuse = session('apps rm shop');
    await refuse.sees(/Delete the app shop\? \[y\/N\] $/);
    refuse.type('\r');
    assert.match((await refuse.ended).screen, /Nothing was changed/);
    const interrupt = session('apps rm shop');
    await interrupt.sees(/\[y\/N\] $/);
    interrupt.type('\x03');
    assert.equal((await interrupt.ended).code, 130);
    const agree = session('apps rm shop');
    await agree.sees(/\[y\/N\] $/);
    agree.type('y\r');
    const removed = await agree.ended;
    assert.deepEqual([removed.code, removed.screen.includes('Deleted shop.')], [0, true], removed.screen);
    await shows('jobs', /app-delete .*succeeded/);
    const [{ id }] = await json('jobs');
    await shows(`jobs get ${id} --wait`, /state +succeeded/);
    await api.post('/apps', { name: 'gone' });
    await api.delete('/apps/gone', { prefer: 'respond-async' });
    await shows('jobs --wait', /app-delete .*succeeded +gone/);
  });

  test('errors speak of what a person typed, and doctor asks the daemon that is named', async () => {
    const refused = async (args: string, code: number, text: RegExp): Promise<void> => {
      const ran = await screen(args);
      assert.equal(ran.code, code, ran.screen);
      assert.match(ran.screen, text);
      assert.doesNotMatch(ran.screen, /body\.|details|Bearer|GET \//);
    };
    await refused('apps create Bad-Name', 1, /^streamhub: name must be 3 to 32 of a-z/m);
    await refused('config get nope', 5, /To list those that you can see: streamhub apps/);
    await refused('apps lst', 2, /^streamhub: there is no command apps lst\. Did you mean ls\?/m);
    // each file that is named, before anything is asked for it
    for (const command of [
      'config validate live',
      'api /apps --method POST --input',
      'apps --ca-file',
      'plugin install',
      'backup verify',
      `restore --data-dir ${folder}/restored`,
      'backup verify /etc/hosts --passphrase-file',
    ]) {
      await refused(`${command} /srv/nothing/file`, 2, /^streamhub: \/srv\/nothing\/file does not exist$/m);
      await refused(`${command} /etc`, 2, /^streamhub: \/etc is a folder\. /m);
    }
    // its value isn't taken for a command
    await refused('apps --data-dir /srv/data', 2, /^streamhub: unknown option '--data-dir'/m);
    const { screen: report } = await screen('doctor');
    assert.match(report, /^LiveKit$/m);
    assert.doesNotMatch(report, /isn’t running/);
  });

  test('config: get, edit with a review, a kept text after a conflict, validate, diff, apply, history, revert', async () => {
    await api.post('/apps', { name: 'conf' });
    assert.equal(parse(await shows('config get conf')).recording.split_minutes, 0);
    await shows('config get conf recording.split_minutes', /^0$/m);
    const editor = file('editor');
    await writeFile(editor, '#!/bin/sh\nsed -i "s/split_minutes: .*/split_minutes: $NEW/" "$1"\n');
    await chmod(editor, 0o755);

    const edit = session('config edit conf', { EDITOR: editor, NEW: '30' });
    await edit.sees(
      /-.*split_minutes: 0[\s\S]*\+.*split_minutes: 30[\s\S]*next stream or recording: recording\.split_minutes[\s\S]*dit again, \[N\]o: $/,
    );
    edit.type('y\r');
    const saved = await edit.ended;
    assert.deepEqual([saved.code, saved.screen.includes('It is active.')], [0, true], saved.screen);
    await shows('config history conf', /raw .*recording\.split_minutes/);

    const invalid = session('config edit conf', { EDITOR: editor, NEW: 'many' });
    await invalid.sees(/conf\.yaml:\d+:\d+: error: [\s\S]*Edit again\? \[Y\/n\] $/);
    invalid.type('n\r');
    const stopped = await invalid.ended;
    assert.equal(stopped.code, 1);
    const kept = /Your text is kept in (\S+)/.exec(stopped.screen)?.[1] ?? '';
    assert.match(await readFile(kept, 'utf8'), /split_minutes: many/);
    await rm(path.dirname(kept), { recursive: true });

    // someone else saves while the person reads the review
    const late = session('config edit conf', { EDITOR: editor, NEW: '45' });
    await late.sees(/\[N\]o: $/);
    assert.equal((await api.patch('/apps/conf', { snapshotSeconds: 7 })).status, 200);
    late.type('y\r');
    const conflict = await late.ended;
    assert.equal(conflict.code, 6, conflict.screen);
    const mine = /Your text is kept in (\S+)/.exec(conflict.screen)?.[1] ?? '';
    assert.match(await readFile(mine, 'utf8'), /split_minutes: 45/);
    assert.match(await shows('config get conf'), /split_minutes: 30/);
    await shows(`config diff conf ${mine}`, /\+.*split_minutes: 45/);
    assert.equal((await screen(`config diff conf ${mine} --exit-code`)).code, 1);
    await shows(`config validate conf ${mine}`, /The config is valid/);
    await shows(`config apply conf ${mine} --yes`, /Saved the config of conf/);
    await rm(path.dirname(mine), { recursive: true });
    await writeFile(file('bad.yaml'), 'recording:\n  auto: many\n');
    assert.match(
      (await screen(`config validate conf ${file('bad.yaml')}`)).screen,
      /bad\.yaml:2:\d+: error: recording\.auto must be/,
    );
    await writeFile(file('bad.yaml'), 'recording: [\n');
    assert.equal((await screen(`config validate conf ${file('bad.yaml')}`)).code, 1);
    assert.equal((await screen(`config apply conf ${file('bad.yaml')} --yes`)).code, 1);
    const [newest] = await json('config history conf');
    await shows(`config revert conf ${newest.ts} --yes`, /\+.*split_minutes: 30[\s\S]*It is active/);
    await shows('config reload conf', /Reloaded/);
  });

  test('presets: list, preview, apply', async () => {
    await api.post('/apps', { name: 'pre' });
    await shows('presets ls pre', /low-latency/);
    assert.ok((await json('presets preview pre low-latency')).changed.length > 0);
    const apply = session('presets apply pre low-latency');
    await apply.sees(/\+ [\s\S]*Apply low-latency to pre\? \[y\/N\] $/);
    apply.type('y\r');
    assert.match((await apply.ended).screen, /Applied low-latency to pre\./);
    await shows('presets apply pre low-latency', /Nothing would change/);
  });

  test('tokens, people, nodes, drain, plugins, open, api', async () => {
    const { id, token } = await json('tokens create ci --scope global --read-only --allowed-ips 127.0.0.1');
    assert.match(token, /^sk_/);
    await shows('tokens', /ci +global +- +yes/);
    assert.equal((await screen('apps create nope', { STREAMHUB_TOKEN: token })).code, 4);
    await shows(`tokens revoke ${id} --yes`, /Revoked/);
    assert.equal((await screen('apps', { STREAMHUB_TOKEN: token })).code, 4);

    await shows('people', /None\.|EMAIL/);
    await shows('nodes join-code --name edge-1 --ttl-seconds 600', /edge-1/);
    const machine = { 'x-cluster-token': CLUSTER_TOKEN };
    assert.equal((await api.post('/cluster/join', { name: 'edge-1', ip: '203.0.113.10' }, machine)).status, 201);
    await shows('nodes', /edge-1 .*active/);
    assert.equal((await json('nodes get edge-1')).name, 'edge-1');
    await shows('nodes set edge-1 --region north', /Changed/);
    // without an agent only its status changes
    await shows('drain edge-1 --wait', /edge-1 is draining/);
    assert.deepEqual(
      [(await json('nodes get edge-1')).status, (await json('nodes get edge-1')).region],
      ['draining', 'north'],
    );
    await shows('nodes activate edge-1', /is active/);
    await shows('nodes rm edge-1 --yes', /Removed/);
    assert.equal((await screen('nodes get nobody')).code, 5);
    assert.equal((await screen('drain nobody --wait')).code, 5);
    await shows('plugin list', /^low-latency|^presets|storage/m);
    assert.equal(await shows('open live --print'), `${daemon.url}/apps/live\n`);
    assert.deepEqual(JSON.parse(await shows('api /apps/live')).name, 'live');
    assert.equal(JSON.parse(await shows('api /apps -F name=viaapi -f displayName=12')).displayName, '12');
    for (const at of ['/apps/live', '/openapi.json']) {
      const sent = await piped(['api', at], REMOTE);
      assert.deepEqual(JSON.parse(sent.out), (await api.get(at)).body, 'a script gets the whole answer');
    }
    const created = '/audit?action=app.create&limit=';
    const { data } = (await api.get(`${created}1000`)).body;
    assert.deepEqual(JSON.parse(await shows(`api ${created}1 --paginate`)), data);
    const refused = await screen('api /apps -F name=X');
    assert.equal(refused.code, 1);
    assert.match(refused.screen, /body\.name must be [\s\S]*Request id: /);
  });

  test('logs and events follow until Ctrl-C', async () => {
    const logs = session('logs -f -n 1');
    const events = session('events -f --topics apps --json');
    await logs.sees(/ http +request/);
    await api.post('/apps', { name: 'heard' });
    await logs.sees(/method=POST route=\/api\/v1\/apps status=201/);
    // the stream may have opened after that event
    for (let n = 0; !/app\.created/.test(events.screen()); n += 1) {
      await api.post('/apps', { name: `heard-${n}` });
      await Promise.race([
        events.sees(/app\.created/),
        events.ended,
        new Promise((resolve) => setTimeout(resolve, 1000)),
      ]);
    }
    const ahead = session('events --after 999999999');
    await ahead.sees(/doesn’t know that event/);
    for (const one of [logs, events, ahead]) {
      one.type('\x03');
      assert.equal((await one.ended).code, 130, one.screen());
    }
    assert.ok(Array.isArray(await json('logs heard -n 5 --level info')));
  });

  test('logs -f prints the new lines that a search for the same words finds', async () => {
    // words of two fields, in another case, the last one incomplete
    const logs = inTerminal(['logs', '-f', '-n', '0', '--q', 'APPS Status: 20'], REMOTE);
    await until('a new line', async () => {
      await api.post('/apps', { name: 'sought' });
      await api.delete('/apps/sought');
      return /status=201/.test(logs.screen());
    });
    logs.type('\x03');
    assert.equal((await logs.ended).code, 130, logs.screen());
    const past = await screen('logs -f --until 2026-01-01T00:00:00Z');
    assert.equal(past.code, 2);
    assert.match(past.screen, /--until is in the past/);
  });

  test('storage and recordings: a real bucket, a download that is continued', { skip: withoutS3 }, async () => {
    assert.ok(typeof s3 !== 'string');
    await api.post('/apps', { name: 'films' });
    const bucket = await s3.bucket();
    const settings = `--provider minio --bucket ${bucket} --region ${s3.region} --endpoint ${s3.endpoint} --force-path-style --key ${s3.key}`;
    const set = session(`storage set films ${settings} --ask-secret`);
    await set.sees(/Secret key: $/);
    set.type(`${s3.secret}\r`);
    const stored = await set.ended;
    assert.equal(stored.code, 0, stored.screen);
    assert.ok(!stored.screen.includes(s3.secret));
    await shows('storage test films', /ok +write/);
    assert.equal((await json('storage get films')).hasSecret, true);
    assert.equal((await screen('storage test live')).code, 1);

    const film = '0123456789'.repeat(100_000);
    await s3.put(bucket, ['a.mp4'], film);
    const place = { provider: 'minio', bucket, region: s3.region, endpoint: s3.endpoint, forcePathStyle: true };
    const [id] = addVods(daemon.dataDir, 'films', [{ key: 'a.mp4', name: 'a.mp4', place }]);
    await shows('recordings films', /a\.mp4/);
    await shows(`recordings show films ${id}`, /download url/);
    await shows(`recordings get films ${id} --to ${folder}`, /Downloaded .*a\.mp4/);
    assert.equal(await readFile(file('a.mp4'), 'utf8'), film);
    assert.equal((await screen(`recordings get films ${id} --to ${folder}`)).code, 2, 'it is there already');

    // a part that is there is continued: its first byte shows that it wasn't fetched again
    const { downloadUrl } = await json(`recordings show films ${id}`);
    const etag = (await fetch(downloadUrl, { headers: { range: 'bytes=0-0' } })).headers.get('etag') ?? '';
    await writeFile(file('b.mp4.part'), `X${film.slice(1, 400_000)}`);
    await writeFile(file('b.mp4.part.etag'), etag);
    await shows(`recordings get films ${id} --to ${file('b.mp4')}`, /Downloaded/);
    assert.equal(await readFile(file('b.mp4'), 'utf8'), `X${film.slice(1)}`);
    // a part of another file is not
    await writeFile(file('c.mp4.part'), 'Y'.repeat(400_000));
    await writeFile(file('c.mp4.part.etag'), '"another"');
    await shows(`recordings get films ${id} --to ${file('c.mp4')}`, /Downloaded/);
    assert.equal(await readFile(file('c.mp4'), 'utf8'), film);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.part')),
      [],
    );
    const out = await piped(['recordings', 'get', 'films', String(id), '--to', '-'], REMOTE);
    assert.deepEqual([out.code, out.out === film, out.err], [0, true, '']);
    await shows(`recordings rm films ${id} --yes`, /Deleted the recording/);
    assert.equal((await screen(`recordings show films ${id}`)).code, 5);
  });

  test('rooms, join-token, ingests and streams of a real LiveKit', { skip: withoutLivekit }, async (t) => {
    // a room that nobody is in can end at any time, so it is looked at with someone in it
    await shows('rooms create live stage --max-participants 9', /Created live-stage\./);
    const made = await json('join-token live --room stage --identity ada --no-can-publish --ttl 10m');
    const claims = JSON.parse(Buffer.from(made.token.split('.')[1], 'base64url').toString());
    assert.deepEqual([claims.sub, claims.video.room, claims.video.canPublish], ['ada', 'live-stage', false]);
    await join(t, made.wsUrl, made.token);
    await until('the participant is listed', async () => /ada/.test((await screen('rooms people live stage')).screen));
    await shows('rooms send live stage hello', /Sent/);
    await shows('rooms', /live-stage/);
    await shows('rooms ls live', /live-stage/);
    assert.equal((await json('rooms get live stage')).name, 'live-stage');
    await shows('streams live', /None\./);
    const ingest = await json('ingests create live rtmp --room stage --name Camera');
    await shows('ingests live', /Camera/);
    assert.equal((await json(`ingests key live ${ingest.id}`)).streamKey, ingest.streamKey);
    await shows(`ingests rm live ${ingest.id} --yes`, /Deleted/);
    await shows('rooms end live stage --yes', /Ended/);
    assert.equal((await screen('rooms get live stage')).code, 5);
  });
});

describe('without a terminal', () => {
  test('nothing hangs on a question: it says what to add', async () => {
    const ran = await piped(['apps', 'rm', 'live'], REMOTE);
    assert.deepEqual([ran.code, ran.out], [2, '']);
    assert.match(ran.err, /no terminal to ask on: add --yes/);
    const token = await piped(['connect', daemon.url, '--ca-file', file('cert.pem'), '--credential-file'], CONTEXTS);
    assert.equal(token.code, 2);
    assert.match(token.err, /--token-stdin/);
  });

  test('exit codes are those of the table', async () => {
    const codes = async (args: string, env: Record<string, string> = REMOTE): Promise<number> =>
      (await piped(args.split(' '), env)).code;
    assert.equal(await codes('apps'), 0);
    assert.equal(await codes('apps', { ...REMOTE, STREAMHUB_TOKEN: `${TEST_TOKEN}\r\n` }), 0);
    assert.equal(await codes('apps create X'), 1);
    assert.equal(await codes('apps --nonsense'), 2);
    assert.equal(await codes('config'), 2);
    assert.equal(await codes('events --after abc'), 2);
    assert.equal(await codes('apps', {}), 2, 'no daemon is chosen');
    assert.equal(await codes('apps', { ...REMOTE, STREAMHUB_URL: 'http://127.0.0.1:9' }), 3);
    assert.equal(await codes('apps', { STREAMHUB_URL: daemon.url, STREAMHUB_TOKEN: TEST_TOKEN }), 3, 'not trusted');
    assert.equal(await codes('apps', { ...REMOTE, STREAMHUB_TOKEN: 'sk_wrong' }), 4);
    assert.equal(await codes('apps get nobody'), 5);
    assert.equal(await codes('apps create live'), 6);
  });

  test('tables hold no color and no control character; errors are on standard error', async () => {
    await api.patch('/apps/live', { displayName: 'a\u001b[31mred' });
    const ran = await piped(['apps'], REMOTE);
    assert.ok(!ran.out.includes('\u001b'), JSON.stringify(ran.out));
    const wrong = await piped(['apps', '--columns', 'nmae,name'], REMOTE);
    assert.deepEqual([wrong.code, /^- +live$/m.test(wrong.out)], [0, true], wrong.out);
    assert.match(wrong.err, /^streamhub: warning: no row has the column nmae\. There are: .*\bname, .*displayName/);
    const empty = await piped(['recordings', 'live', '-o', 'csv'], REMOTE);
    assert.match(empty.out, /^id,.*\bname,.*\bstatus\b.*\r\n$/);
    const none = await piped(['apps', 'get', 'nobody', '--json'], REMOTE);
    assert.equal(none.out, '');
    assert.match(none.err, /^streamhub: No app is named nobody\.\n {2}.*\n {2}Request id: \S+\n$/);
  });
});
