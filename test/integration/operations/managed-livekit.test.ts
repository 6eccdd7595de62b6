// LiveKit that the daemon runs itself, with real programs: started, killed, found again, moved to other ports, stopped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { loadSettings } from '#daemon/platform/settings.ts';
import { makeCertificate } from '#test/helpers/certificates.ts';
import { BIN, blockScope, type Client, type DaemonProcess, daemonProcess, testDaemon } from '#test/helpers/daemon.ts';
import {
  type ManagedMachine,
  managedMachine,
  programOf,
  secretsOf,
  untilRunning,
} from '#test/helpers/managed-livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { node } from '#test/helpers/plugin-kit.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

/** Nobody listens on it, so that nothing is downloaded. */
const NO_MIRROR = 'http://127.0.0.1:9';

/** A real encoder: picture and sound over RTMP. */
const ENCODER =
  '-v error -re -f lavfi -i testsrc=size=320x180:rate=30 -re -f lavfi -i sine -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -pix_fmt yuv420p -c:a aac -f flv'.split(
    ' ',
  );

const portOf = (program: { ports: { name: string; port: number }[] }, name: string): number =>
  program.ports.find((one) => one.name === name)?.port as number;

/** What `streamhub doctor` says beside the daemon, without its token. */
const doctor = async ({ dataDir }: ManagedMachine): Promise<string> =>
  (await node([BIN, 'doctor', '--data-dir', dataDir], dataDir, { NO_COLOR: '1' })).out;

after(() => disposeMedia());

describe('with livekit-server on PATH', () => {
  const scope = blockScope();
  let machine: ManagedMachine;
  let daemon: DaemonProcess;
  let api: Client;
  let lack: string | undefined;
  const start = async (): Promise<void> => {
    const { LIVEKIT_MODE: _, ...env } = machine.env;
    daemon = await daemonProcess(scope, machine.dataDir, { ...env, LOG_LEVEL: 'debug', LIVEKIT_MIRROR: NO_MIRROR }, [
      '--with-livekit',
    ]);
    api = daemon.api;
  };
  before(async () => {
    const found = await managedMachine({ after: (step) => scope.after(step) });
    if (typeof found === 'string') {
      lack = found;
      return;
    }
    machine = found;
    await machine.addEgress();
    await start();
  });

  test('it runs, beside a Redis, and the daemon uses it', async (t) => {
    if (lack) return t.skip(lack);
    const livekit = await untilRunning(api, 'livekit');
    assert.match(livekit.version ?? '', /^1\./);
    const { body } = await api.get('/livekit');
    assert.equal(body.data.mode, 'managed');
    assert.equal(body.data.restartNeeded, false);
    await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
    const { ports } = await untilRunning(api, 'redis');
    assert.deepEqual(
      ports.map(({ address }) => address),
      ['127.0.0.1'],
    );
    const secrets = secretsOf(machine);
    const { LIVEKIT_MANAGED_API_KEY: key = '', LIVEKIT_MANAGED_API_SECRET: secret = '' } = secrets;
    await new RoomServiceClient(body.data.url.replace(/^ws/, 'http'), key, secret).createRoom({ name: 'live-a' });
    await until('its webhook came', async () => (await api.get('/system/livekit')).body.data.webhooks.received > 0);
    // without a cluster, too
    await until('its figures are read', async () => {
      const { data } = (await api.get('/cluster/nodes')).body as {
        data: { id: string; stats: { livekit?: object } }[];
      };
      return data.find(({ id }) => id === 'origin')?.stats.livekit;
    });

    // what it was given is readable by its owner only, and nobody is told
    for (const file of ['etc/livekit.yaml', 'etc/redis.conf', 'etc/egress.yaml'])
      assert.equal(statSync(path.join(machine.dataDir, 'livekit', file)).mode & 0o777, 0o600, file);
    const answers = await Promise.all(['/livekit', '/system/settings', '/logs?limit=500'].map((url) => api.get(url)));
    const commands = machine.processes().map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const told = [...answers.map(({ text }) => text), ...commands, daemon.stdout(), daemon.stderr()].join('\n');
    for (const [name, value] of Object.entries(secrets)) assert.ok(!told.includes(value), `${name} is told`);
    assert.match(answers[2]?.text ?? '', /starting LiveKit server/, 'its lines are in the log');

    // the settings say where the address comes from, and can't be changed beside it
    const settings = (await api.get('/system/settings')).body.data.settings as { name: string; origin: string }[];
    assert.equal(settings.find(({ name }) => name === 'LIVEKIT_URL')?.origin, 'managed');
    assert.equal((await api.patch('/system/settings', { values: { LIVEKIT_URL: 'ws://h' } })).status, 409);
  });

  const pair = (): [string, string] => {
    const secrets = secretsOf(machine);
    return [secrets['LIVEKIT_MANAGED_API_KEY'] ?? '', secrets['LIVEKIT_MANAGED_API_SECRET'] ?? ''];
  };
  /** Someone in a room of the managed LiveKit. */
  const enter = async (t: { after(fn: () => unknown): void }, room: string) => {
    const token = new AccessToken(...pair(), { identity: 'ana' });
    token.addGrant({ roomJoin: true, room });
    return join(t, (await api.get('/livekit')).body.data.url, await token.toJwt());
  };

  test('egress runs, and records a room to the daemon’s disk', async (t) => {
    if (lack) return t.skip(lack);
    const egress = await untilRunning(api, 'egress');
    assert.equal(egress.version, '1.9.0');
    await until('an egress worker is known', async () => {
      const { programs } = (await api.get('/livekit')).body.data;
      return programs.every(({ program, state }: { program: string; state: string }) =>
        program === 'ingress' ? state === 'missing' : state === 'running',
      );
    });
    const ingress = await programOf(api, 'ingress');
    assert.match(ingress.problem ?? '', /Neither the program ingress nor a container engine/);
    assert.match(ingress.cure ?? '', /podman/);
    const ana = await enter(t, 'live-film');
    await ana.publish();
    const begun = await api.post('/apps/live/recording/start', { room: 'live-film' });
    assert.equal(begun.status, 201, begun.text);
    const vod = async () =>
      (await api.get('/apps/live/vods')).body.data.find((one: { id: number }) => one.id === begun.body.id);
    await until('it records', async () => (await vod()).status === 'recording');
    assert.equal((await api.call('POST', `/apps/live/recording/${begun.body.id}/stop`)).status, 200);
    const film = await until('it is ready', async () => {
      const found = await vod();
      return found.status === 'ready' ? found : undefined;
    });
    assert.ok(statSync(path.join(machine.dataDir, 'apps/live', film.localPath)).size > 0);
    await ana.leave();
  });

  test('a command beside the daemon finds it and its services', async (t) => {
    if (lack) return t.skip(lack);
    const found = await doctor(machine);
    assert.match(found, /ok {7}LiveKit: LiveKit accepts the key/);
    assert.match(found, /ok {7}Recording service: 1 service connected/);
    for (const [name, value] of Object.entries(secretsOf(machine)))
      assert.ok(!found.includes(value), `doctor tells ${name}`);
  });

  test('killed, it is started again; while its program is missing, that is said and an incident is open', async (t) => {
    if (lack) return t.skip(lack);
    const before = await untilRunning(api, 'livekit');
    const program = path.join(machine.bin, 'livekit-server');
    renameSync(program, `${program}.away`);
    process.kill(before.pid as number, 'SIGKILL');
    const incident = async () => (await api.get('/incidents?condition=livekit-away')).body.data[0];
    await until('the incident is open', async () => (await incident())?.state === 'open');
    const away = await until('the reason is told', async () => {
      const found = await programOf(api, 'livekit');
      return found.problem === null ? undefined : found;
    });
    assert.match(away.problem ?? '', /cannot be downloaded.*LIVEKIT_BINARY/);
    renameSync(`${program}.away`, program);
    const after = await untilRunning(api, 'livekit', ({ pid }) => pid !== before.pid);
    assert.equal(after.restarts, before.restarts + 1);
    assert.equal(portOf(after, 'signal'), portOf(before, 'signal'));
    await until('the incident is closed', async () => (await incident()).state === 'closed');
  });

  test('a daemon that is killed finds it again, and one that stops leaves it', async (t) => {
    if (lack) return t.skip(lack);
    const before = await untilRunning(api, 'livekit');
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await daemon.end(signal);
      await start();
      const after = await untilRunning(api, 'livekit');
      assert.deepEqual(
        [after.pid, after.since, after.version, after.restarts],
        [before.pid, before.since, before.version, before.restarts],
      );
      await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
    }
    assert.equal(machine.processes().length, 3, 'Redis, LiveKit and egress, once each');
  });

  test('stopped, it stays stopped; a port that was taken in the meantime is replaced', async (t) => {
    if (lack) return t.skip(lack);
    const before = await untilRunning(api, 'livekit');
    assert.equal((await api.post('/livekit/stop')).status, 200);
    await until('all have ended', () => machine.processes().length === 0);
    await daemon.end();
    await start();
    assert.equal((await api.get('/livekit')).body.data.wanted, 'stopped');
    const port = portOf(before, 'signal');
    // if another program was faster, the port is taken as well
    const taker = createTcpServer().on('error', () => {});
    taker.listen(port, '127.0.0.1');
    t.after(() => taker.close());
    assert.equal((await api.post('/livekit/start')).body.data.wanted, 'running');
    const after = await untilRunning(api, 'livekit');
    assert.notEqual(portOf(after, 'signal'), port);
    await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
    // the services follow, because the address is another one
    await untilRunning(api, 'egress');
    assert.equal((await api.get('/livekit')).body.data.restartNeeded, false);

    const { pid } = await untilRunning(api, 'livekit');
    assert.equal((await api.post('/livekit/restart', { now: true })).status, 200);
    const again = await untilRunning(api, 'livekit', (now) => now.pid !== pid);
    assert.equal(again.restarts, after.restarts, 'a restart that was asked for is not counted');
  });

  test('its settings are checked, stored as revisions, rolled out and brought back', async (t) => {
    if (lack) return t.skip(lack);
    const { pid } = await untilRunning(api, 'livekit');
    const empty = (await api.get('/livekit/settings')).body.data;
    assert.deepEqual([empty.text, empty.revision, empty.targets[0].isPending], ['', 0, false]);
    assert.match(empty.paste, /api_key: <your API key>\n {2}urls:\n {4}- http.*\/webhooks\/livekit/);
    for (const [text, reason] of [
      ['rtc:\n  udp_port: 70000\n', /line 2: rtc.udp_port must be <= 65535/],
      ['port: 7880\nkeys: {a: hidden}\n', /line 2: keys is not a setting/],
      ['turn: {enabled: true, tls_port: 5349}', /turn.tls_port needs turn.domain/],
      ['rtc: [', /not valid YAML/],
    ] as const) {
      const refused = await api.put('/livekit/settings', { text });
      assert.deepEqual([refused.status, refused.body.code], [400, 'VALIDATION_FAILED']);
      assert.match(refused.text, reason);
      assert.ok(!refused.text.includes('hidden'));
    }

    const { key, cert } = await makeCertificate('turn.example.com', { names: ['turn.example.com'] });
    const [keyFile, certFile] = ['turn.key', 'turn.crt'].map((name) => path.join(machine.dataDir, name)) as [
      string,
      string,
    ];
    writeFileSync(keyFile, key, { mode: 0o600 });
    writeFileSync(certFile, cert);
    const [signal, tlsPort] = [await freePort(), await freePort()];
    const text = [
      '# TURN for hotels',
      `port: ${signal}`,
      'turn:',
      '  enabled: true',
      '  domain: turn.example.com',
      `  tls_port: ${tlsPort}`,
      `  cert_file: ${certFile}`,
      `  key_file: ${keyFile}`,
      'limit: {max_metadata_size: 100}',
      'room: {enabled_codecs: [{mime: audio/opus}, {mime: video/vp8}]}',
      'logging: {level: warn}',
      '',
    ].join('\n');
    const stored = await api.put('/livekit/settings', { text, rollOut: 'drain' }, { 'if-match': empty.etag });
    assert.deepEqual([stored.status, stored.body.data.revision, stored.body.data.text], [200, 1, text]);
    assert.equal((await api.put('/livekit/settings', { text: '' }, { 'if-match': empty.etag })).status, 412);
    const changed = await untilRunning(api, 'livekit', (now) => now.pid !== pid);
    assert.equal(portOf(changed, 'signal'), signal);
    const { targets } = (await api.get('/livekit/settings')).body.data;
    assert.deepEqual(targets, [{ name: 'this machine', runs: 1, isPending: false, problem: null }]);
    await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
    const turn = tls.connect({ port: tlsPort, host: '127.0.0.1', servername: 'turn.example.com', ca: cert });
    await once(turn, 'secureConnect');
    turn.destroy();

    // back, at the next start
    assert.equal((await api.put('/livekit/settings', { text: '' })).body.data.revision, 2);
    assert.deepEqual((await api.get('/livekit')).body.data.restartNeeded, true);
    const back = await api.post('/livekit/settings/restore', { revision: 1 });
    assert.deepEqual([back.body.data.revision, back.body.data.text], [3, text]);
    assert.equal((await api.get('/livekit')).body.data.restartNeeded, false);
    assert.deepEqual(
      back.body.data.revisions.map(({ revision }: { revision: number }) => revision),
      [3, 2, 1],
    );
    assert.equal((await api.post('/livekit/settings/restore', { revision: 9 })).body.code, 'LIVEKIT_REVISION_UNKNOWN');
  });

  test('out of ports: that is said, the daemon lives on, and LiveKit starts when the port is free', async (t) => {
    if (lack) return t.skip(lack);
    const taker = createTcpServer().listen(0, '127.0.0.1');
    await once(taker, 'listening');
    t.after(() => taker.close());
    const { port } = taker.address() as AddressInfo;
    const stored = await api.put('/livekit/settings', { text: `port: ${port}\n`, rollOut: 'drain' });
    assert.equal(stored.status, 200, stored.text);
    const away = await until('the reason is told', async () => {
      const found = await programOf(api, 'livekit');
      return found.problem === null ? undefined : found;
    });
    assert.equal(
      away.problem,
      `TCP port ${port} is in use by another program; free it, or choose another in LiveKit’s settings`,
    );
    const incident = async () => (await api.get('/incidents?condition=livekit-away')).body.data[0];
    await until('the incident is open', async () => (await incident())?.state === 'open');
    const { warnings } = (await api.get('/system/settings')).body.data;
    assert.ok(warnings.some(({ message }: { message: string }) => message.includes(`TCP port ${port} is in use`)));
    taker.close();
    const back = await untilRunning(api, 'livekit');
    assert.equal(portOf(back, 'signal'), port);
    // one that was open shortly before stays open for a while
    await until('the incident is ending', async () => {
      const { state, recoveringSince } = await incident();
      return state === 'closed' || recoveringSince !== null;
    });
  });

  test('its keys are rotated while someone is in a room', async (t) => {
    if (lack) return t.skip(lack);
    const { url } = (await api.get('/livekit')).body.data;
    const accepts = (keys: [string, string]) =>
      new RoomServiceClient(url.replace(/^ws/, 'http'), ...keys).listRooms().then(
        () => true,
        () => false,
      );
    const old = pair();
    const ana = await enter(t, 'live-keys');
    assert.equal((await api.post('/livekit/keys/retire')).body.code, 'LIVEKIT_KEYS_NOT_ROTATED');
    assert.equal((await api.post('/livekit/keys/rotate', { rollOut: 'drain' })).body.data.keys, 'adding');
    assert.equal((await api.post('/livekit/keys/rotate')).body.code, 'LIVEKIT_KEYS_ROTATING');
    await until('it waits for the room', async () => (await programOf(api, 'livekit')).state === 'draining');
    assert.equal(ana.room.isConnected, true);
    await ana.leave();
    await until('both are accepted', async () => (await api.get('/livekit/settings')).body.data.keys === 'both');
    const next = pair();
    assert.notEqual(next[0], old[0]);
    await untilRunning(api, 'livekit');
    assert.deepEqual([await accepts(old), await accepts(next)], [true, true]);
    await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
    assert.equal((await api.get('/livekit')).body.data.restartNeeded, false);

    const { pid } = await programOf(api, 'livekit');
    const retired = await api.post('/livekit/keys/retire');
    assert.deepEqual([retired.body.data.keys, retired.body.data.targets[0].isPending], ['one', true]);
    await api.post('/livekit/restart', { now: true });
    await untilRunning(api, 'livekit', (now) => now.pid !== pid);
    assert.deepEqual([await accepts(old), await accepts(next)], [false, true]);
  });

  test('ingress takes a real encoder; egress runs in a container; killed, both are started again', async (t) => {
    if (lack) return t.skip(lack);
    await daemon.end();
    await machine.addIngress();
    const commands = machine.addContainers();
    await start();
    const ingress = await untilRunning(api, 'ingress');
    assert.equal(ingress.runsIn, 'process');
    // the port for encoders is in LiveKit's configuration
    if ((await api.get('/livekit')).body.data.restartNeeded) {
      const { pid } = await untilRunning(api, 'livekit');
      await api.post('/livekit/restart', { now: true });
      await untilRunning(api, 'livekit', (now) => now.pid !== pid);
    }
    const made = await until('an ingest can be made', async () => {
      const answer = await api.post('/apps/live/ingress', { type: 'rtmp', room: 'camera' });
      return answer.status === 201 ? answer.body.data : undefined;
    });
    assert.equal(new URL(made.url).port, String(portOf(await untilRunning(api, 'ingress'), 'rtmp')));
    const isLive = async () =>
      (await api.get('/apps/live/streams')).body.data.some(({ room }: { room: string }) => room === 'live-camera');
    const encode = async (): Promise<() => Promise<void>> => {
      const encoder = spawn('ffmpeg', [...ENCODER, `${made.url}/${made.streamKey}`], { stdio: 'ignore' });
      const ended = once(encoder, 'exit');
      const stop = async (): Promise<void> => {
        encoder.kill('SIGKILL');
        await ended;
      };
      t.after(stop);
      await until('the encoder is a stream', isLive);
      return stop;
    };
    await (await encode())();

    const before = await untilRunning(api, 'ingress');
    process.kill(before.pid as number, 'SIGKILL');
    const after = await untilRunning(api, 'ingress', ({ pid }) => pid !== before.pid);
    assert.equal(after.restarts, before.restarts + 1);

    const old = await untilRunning(api, 'egress');
    process.kill(old.pid as number, 'SIGKILL');
    const contained = await untilRunning(api, 'egress', ({ pid }) => pid !== old.pid);
    assert.deepEqual([contained.runsIn, contained.version], ['container', 'v1.9']);
    const said = await until('the container was started', () => {
      const lines = commands();
      return lines.length >= 2 ? lines : undefined;
    });
    const name = /--name (\S+)/.exec(said[1] ?? '')?.[1];
    const apps = path.join(machine.dataDir, 'apps');
    assert.deepEqual(said.slice(0, 2), [
      `rm -f ${name}`,
      `run --rm --network host --name ${name} --cap-add SYS_ADMIN --volume ${apps}:${apps} --env EGRESS_CONFIG_BODY livekit/egress:v1.9`,
    ]);
    const told = [...said, ...machine.processes().map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))];
    for (const [secret, value] of Object.entries(secretsOf(machine)))
      assert.ok(!told.join('\n').includes(value), `${secret} is in a command`);
    process.kill(contained.pid as number, 'SIGKILL');
    await untilRunning(api, 'egress', ({ pid }) => pid !== contained.pid);
    assert.equal(
      commands().filter((line) => line === `rm -f ${name}`).length,
      2,
      'what is left of it is removed first',
    );
  });

  test('back to a LiveKit of others', async (t) => {
    if (lack) return t.skip(lack);
    // the flag of the command line is gone
    await daemon.end();
    const { LIVEKIT_MODE: _, ...env } = machine.env;
    daemon = await daemonProcess(scope, machine.dataDir, env);
    await until('all have ended', () => machine.processes().length === 0);
    const { body } = await daemon.api.get('/livekit');
    assert.deepEqual([body.data.mode, body.data.state, body.data.url], ['external', 'off', null]);
    assert.equal((await daemon.api.post('/livekit/start')).body.code, 'LIVEKIT_NOT_MANAGED');
    assert.equal((await daemon.api.get('/system/settings')).body.data.livekit.apiKeySet, false);
    await daemon.end();
  });
});

test('without its services: doctor says what to install', async (t) => {
  const machine = await managedMachine(t);
  if (typeof machine === 'string') return t.skip(machine);
  const { api } = await daemonProcess(t, machine.dataDir, machine.env);
  await untilRunning(api, 'redis');
  await untilRunning(api, 'livekit');
  await until('the daemon reaches it', async () => (await api.get('/stats')).body.livekitReachable);
  const { checks } = (await api.post('/system/check')).body.data;
  for (const [id, what] of Object.entries({ egress: 'Recordings and live HLS', ingress: 'RTMP and WHIP ingests' })) {
    const { state, message, cure } = checks.find((check: { id: string }) => check.id === id);
    assert.deepEqual(
      [state, message],
      [
        'warning',
        `Neither the program ${id} nor a container engine that answers is on this machine. ${what} don’t work.`,
      ],
    );
    assert.match(cure, /podman/);
  }
  const said = await doctor(machine);
  for (const service of ['egress', 'ingress'])
    assert.match(said, new RegExp(`The daemon runs no ${service} service.*\\n +→ .*podman`));
});

test('an address in the environment takes precedence, and that is said', async (t) => {
  const daemon = await testDaemon(t, { LIVEKIT_MODE: 'managed', LIVEKIT_URL: 'ws://127.0.0.1:1' });
  const { data } = (await daemon.api.get('/livekit')).body;
  assert.equal(data.overriddenBy, 'LIVEKIT_URL in the environment');
  assert.ok(data.programs.every(({ state }: { state: string }) => state === 'off'));
  assert.equal((await daemon.api.post('/livekit/start')).status, 409);
  const { warnings } = (await daemon.api.get('/system/settings')).body.data;
  assert.ok(warnings.some(({ code }: { code: string }) => code === 'LIVEKIT_MODE'));
  assert.equal(loadSettings({ flags: { 'livekit-mode': 'managed' } }).livekitMode, 'managed');
});

test('a program that is missing, and a release that is not the expected one', async (t) => {
  const mirror = createServer((_request, response) => response.end('not an archive')).listen(0, '127.0.0.1');
  t.after(() => mirror.close());
  await until('the mirror listens', () => mirror.listening);
  const { PATH } = process.env;
  process.env['PATH'] = '';
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  const daemon = await testDaemon(t, {
    LIVEKIT_MODE: 'managed',
    LIVEKIT_MIRROR: `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`,
  });
  const livekit = await until('the start fails', async () => {
    const found = await programOf(daemon.api, 'livekit');
    return found.problem === null ? undefined : found;
  });
  assert.match(
    livekit.problem ?? '',
    /is not the expected release: its SHA-256 is [0-9a-f]{64}.*nothing was installed/,
  );
  assert.equal(livekit.pid, null);
  const { body } = await daemon.api.get('/livekit');
  assert.match(body.data.excludes.join(), /Without Redis: recordings/);
  const redis = await programOf(daemon.api, 'redis');
  assert.equal(redis.state, 'missing');
  assert.match(redis.cure ?? '', /redis-server/);
  const { warnings } = (await daemon.api.get('/system/settings')).body.data;
  assert.ok(warnings.some(({ code }: { code: string }) => code === 'LIVEKIT_PROGRAM'));
});
