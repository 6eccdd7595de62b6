import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { before, describe, it } from 'node:test';
import { blockScope, type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { BROKER_USER, type Mosquitto, mosquitto, noMosquitto, type Seen } from '#test/helpers/mosquitto.ts';
import { until } from '#test/helpers/until.ts';

const LIVE = room('live-stage');
const AGAIN = room('live-stage', 'RM_again');
const join = (who: string) => event('participant_joined', { room: LIVE, participant: participant(who) });

describe('events over MQTT', { skip: noMosquitto }, () => {
  const scope = blockScope();
  let broker: Mosquitto;
  let dataDir: string;
  let daemon: DaemonProcess;
  let seen: Seen[];

  const start = async (): Promise<void> => {
    daemon = await daemonProcess(scope, dataDir, {
      ...LIVEKIT_KEYS,
      LIVEKIT_URL: 'ws://127.0.0.1:9',
      NODE_EXTRA_CA_CERTS: broker.authority,
    });
  };
  /** Puts a block `mqtt` into the config of an app. */
  const configure = async (block: Record<string, unknown> | null, app = 'live'): Promise<string> => {
    const { yaml } = (await daemon.api.get(`/apps/${app}/config/raw`)).body.data;
    const rest = yaml.replace(/^mqtt:.*(?:\n[ #].*)*\n?/m, '');
    const own =
      block === null ? '' : `\nmqtt: ${JSON.stringify({ username: BROKER_USER.username, qos: 1, ...block })}\n`;
    const { status, text } = await daemon.api.put(`/apps/${app}/config/raw`, { yaml: `${rest.trimEnd()}${own}\n` });
    assert.equal(status, 200, text);
    return text;
  };
  const url = () => `mqtt://127.0.0.1:${broker.port}`;
  const state = async (app = 'live') => (await daemon.api.get(`/apps/${app}/mqtt`)).body.data;
  const problems = async (): Promise<string[]> => {
    const { problems: list = [] } = (await daemon.api.get('/apps/live')).body;
    return list.map(({ code }: { code: string }) => code);
  };
  const connected = () => until('there is a connection', async () => (await state()).state === 'connected');
  const take = (what: string, fits: (one: Seen) => boolean) => until(what, () => seen.find(fits));
  const events = () => seen.filter(({ topic }) => topic.startsWith('streamhub/live/events/'));
  /** The value of a retained topic as the broker has it. */
  const last = (topic: string) => seen.findLast((one) => one.topic === topic);

  before(async () => {
    broker = await mosquitto(scope);
    await broker.start();
    seen = await broker.watch(scope, '#');
    dataDir = await temporaryDir(scope);
    await start();
    await daemon.api.patch('/apps/live', { mqttPassword: BROKER_USER.password });
    await configure({ enabled: true, url: url() });
    await connected();
  });

  it('are published in order, numbered, as callbacks are, and nothing is stored for a receiver that is not there', async () => {
    await sendWebhook(daemon.url, event('room_started', { room: LIVE }));
    const publish = event('track_published', { room: LIVE, participant: participant('ana'), track: track('TR_1') });
    await sendWebhook(daemon.url, publish);
    await sendWebhook(daemon.url, publish);
    await take('the stream’s event', ({ topic }) => topic === 'streamhub/live/events/stream_started');
    assert.deepEqual(
      events().map(({ topic, body }) => [topic.split('/').at(-1), body.seq]),
      [
        ['room_started', 1],
        ['track_published', 2],
        ['stream_started', 3],
      ],
    );
    const { body, isRetained } = events()[2] as Seen;
    assert.deepEqual(Object.keys(body), ['id', 'seq', 'event', 'app', 'room', 'ts', 'timestamp', 'data']);
    assert.deepEqual([body.event, body.app, body.room, isRetained], ['stream_started', 'live', 'live-stage', false]);

    const deliveries = '/apps/live/callbacks/deliveries';
    const listed = (await daemon.api.get(`${deliveries}?receiver=mqtt`)).body;
    assert.deepEqual(
      listed.data.map((row: { state: string; seq: number }) => [row.state, row.seq]),
      [
        ['delivered', 3],
        ['delivered', 2],
        ['delivered', 1],
      ],
    );
    assert.equal((await daemon.api.get(deliveries)).body.total, 0);
    const found = await daemon.api.get(`${deliveries}/${body.id}?receiver=mqtt`);
    assert.deepEqual(found.body.data.message, body);
    assert.equal((await daemon.api.get(`${deliveries}/${body.id}`)).body.code, 'DELIVERY_NOT_FOUND');
    const { pending, dead, delivered24h, lastError, passwordSet } = await state();
    assert.deepEqual([pending, dead, delivered24h, lastError, passwordSet], [0, 0, 3, null, true]);
    const text = JSON.stringify([await state(), (await daemon.api.get('/apps/live')).body]);
    assert.ok(!text.includes(BROKER_USER.password));
  });

  it('come with retained topics that say what is live now', async () => {
    await take('the stream’s state', ({ topic }) => topic === 'streamhub/live/state/streams/PA_ana');
    const later = await broker.watch(scope, 'streamhub/live/state/#');
    const stream = await until('the stream’s state is kept', () =>
      later.find(({ topic }) => topic === 'streamhub/live/state/streams/PA_ana'),
    );
    assert.deepEqual([stream.isRetained, stream.body.state, stream.body.room], [true, 'live', 'live-stage']);
    const app = later.find(({ topic }) => topic === 'streamhub/live/state/app');
    assert.deepEqual([app?.isRetained, app?.body.state], [true, 'online']);
    await sendWebhook(daemon.url, event('room_finished', { room: LIVE }));
    await until('it is cleared', () => last('streamhub/live/state/streams/PA_ana')?.text === '');
  });

  it('survive the kill of the broker, the kill of the daemon, and come in order', async () => {
    const before = events().length;
    const publish = event('track_published', { room: AGAIN, participant: participant('bob'), track: track('TR_2') });
    await sendWebhook(daemon.url, publish);
    await until(
      'the stream’s state is kept',
      () => last('streamhub/live/state/streams/PA_bob')?.body?.state === 'live',
    );
    await broker.kill();
    await sendWebhook(daemon.url, join('one'));
    await sendWebhook(daemon.url, event('room_finished', { room: AGAIN }));
    const away = await until('the daemon notices', async () => {
      const now = await state();
      return now.state === 'waiting' && now;
    });
    assert.match(away.lastError, /^The broker /);
    assert.ok(away.pending > 0 && away.disconnectedSince !== null);
    assert.deepEqual(await problems(), ['MQTT_AWAY']);
    await daemon.end('SIGKILL');
    await start();
    await sendWebhook(daemon.url, join('two'));
    await broker.start();
    await take('the last event', ({ body }) => body?.data?.participant?.identity === 'two');
    const got = events().slice(before);
    const first = got[0]?.body.seq as number;
    const names = got.filter(({ body }, n) => got.findIndex((other) => other.body.seq === body.seq) === n);
    assert.deepEqual(
      names.map(({ body }) => [body.seq - first, body.event]),
      [
        [0, 'track_published'],
        [1, 'stream_started'],
        [2, 'participant_joined'],
        [3, 'room_finished'],
        [4, 'stream_ended'],
        [5, 'participant_joined'],
      ],
    );
    await until('what ended meanwhile is cleared', () => last('streamhub/live/state/streams/PA_bob')?.text === '');
    assert.deepEqual(await problems(), []);
  });

  it('go elsewhere as soon as the config says so, with TLS, only those asked for, with log lines', async () => {
    const answer = await configure({
      enabled: true,
      url: `mqtt://127.0.0.1:${broker.tlsPort}`,
      tls: true,
      topic_prefix: 'elsewhere',
      events: ['participant_left', 'no_such_event'],
      logs: { enabled: true, level: 'warn' },
    });
    await until('the old place is left', () => last('streamhub/live/state/app')?.body.state === 'offline');
    await until('the new one is online', () => last('elsewhere/state/app')?.body?.state === 'online');
    assert.match(answer, /names no event: no_such_event/);
    await sendWebhook(daemon.url, join('kim'));
    await sendWebhook(daemon.url, event('participant_left', { room: LIVE, participant: participant('kim') }));
    const left = await take('the event', ({ topic }) => topic === 'elsewhere/events/participant_left');
    assert.equal(left.body.event, 'participant_left');
    assert.deepEqual(
      seen.filter(({ topic }) => topic === 'elsewhere/events/participant_joined'),
      [],
    );
    // a config that is not active is a warning of the app's log
    await until(
      'a line arrives',
      async () => {
        await daemon.api.patch('/apps/live', { callbackUrl: 'http://127.0.0.1:9/' });
        await daemon.api.post('/apps/live/callbacks/test');
        return seen.find(({ topic, body }) => topic === 'elsewhere/logs' && body.level === 'warn');
      },
      { every: 200 },
    );
    await daemon.api.patch('/apps/live', { callbackUrl: '' });
    const lines = seen.filter(({ topic }) => topic === 'elsewhere/logs');
    assert.ok(lines.every(({ body }) => body.source !== 'mqtt' && ['warn', 'error', 'fatal'].includes(body.level)));
  });

  it('take each scheme and each quality of service', async () => {
    const ways = [
      [`ws://127.0.0.1:${broker.wsPort}/mqtt`, 0],
      [`wss://127.0.0.1:${broker.wssPort}/mqtt`, 2],
      [`mqtts://127.0.0.1:${broker.tlsPort}`, 2],
      [url(), 0],
    ] as const;
    const twice = await broker.watch(scope, 'way/+/events/#', 2);
    for (const [n, [address, qos]] of ways.entries()) {
      const prefix = `way/${n}`;
      await configure({ enabled: true, url: address, qos, topic_prefix: prefix });
      await until(`${address} is online`, () => last(`${prefix}/state/app`)?.body?.state === 'online');
      const { steps, ok } = (await daemon.api.post('/apps/live/mqtt/test')).body.data;
      assert.ok(ok, JSON.stringify(steps));
      assert.match(steps.at(-1).message, qos === 0 ? /QoS 0 has no answer/ : /acknowledged/);
      const who = `way-${n}`;
      await sendWebhook(daemon.url, join(who));
      const came = await until('the event', () => twice.find(({ body }) => body?.data?.participant?.identity === who));
      assert.deepEqual([came.topic, came.qos], [`${prefix}/events/participant_joined`, qos]);
      await until('it counts as delivered', async () => (await state()).pending === 0);
    }
    assert.equal(twice.length, ways.length, 'none came twice');
  });

  it('say in words why a broker is no good, step by step', async (t) => {
    const tested = async (): Promise<[boolean, string[], string]> => {
      const { ok, steps } = (await daemon.api.post('/apps/live/mqtt/test')).body.data;
      const failed = steps.find((step: { state: string }) => step.state !== 'ok');
      return [ok, steps.map((step: { state: string }) => step.state), failed?.message ?? ''];
    };
    assert.deepEqual(await tested(), [true, ['ok', 'ok', 'ok', 'ok'], '']);
    assert.ok(
      seen.some(({ topic }) => topic === 'way/3/test') ||
        (await take('the test', ({ topic }) => topic === 'way/3/test')),
    );
    await daemon.api.patch('/apps/live', { mqttPassword: 'wrong' });
    assert.deepEqual(await tested(), [
      false,
      ['ok', 'ok', 'failed', 'skipped'],
      'The broker refuses: user name or password is wrong, or this user may not sign in.',
    ]);
    assert.match(await until('it is told', async () => (await state()).lastError), /^The broker refuses: /);
    await daemon.api.patch('/apps/live', { mqttPassword: BROKER_USER.password });
    await configure({ enabled: true, url: url(), topic_prefix: 'refused' });
    assert.deepEqual(await tested(), [
      false,
      ['ok', 'ok', 'ok', 'failed'],
      'The broker refuses the message: this user is not allowed to do that.',
    ]);
    await configure({ enabled: true, url: `mqtts://127.0.0.1:${broker.port}` });
    assert.equal((await tested())[1].join(), 'ok,failed,skipped,skipped');
    // one that accepts, and then sends a packet of 200 MB, would fill the memory
    const hostile = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(Buffer.from([0x20, 3, 0, 0, 0, 0x30, 0x80, 0x84, 0xaf, 0x5f]));
        socket.write(Buffer.alloc(2_000_000));
      });
    });
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    t.after(() => hostile.close());
    await configure({ enabled: true, url: `mqtt://127.0.0.1:${(hostile.address() as net.AddressInfo).port}` });
    assert.deepEqual(await tested(), [
      false,
      ['ok', 'ok', 'ok', 'failed'],
      'The broker sent a packet that is too large. Is it an MQTT broker?',
    ]);
    await sendWebhook(daemon.url, event('room_started', { room: room('live-unheard') }));
    await until('the event fails', async () => (await state()).failingSince !== null);
    await configure(null);
    await until('it is given up, and nothing fails any more', async () => {
      const { pending, failingSince, lastError } = await state();
      return pending === 0 && failingSince === null && lastError === null;
    });
    assert.equal((await daemon.api.post('/apps/live/mqtt/test')).body.code, 'MQTT_OFF');
    assert.equal((await state()).state, 'off');
  });

  it('of one app don’t wait for the broker of another; a deleted app says goodbye and leaves no state', async (t) => {
    await configure({ enabled: true, url: url(), topic_prefix: 'beside' });
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    await daemon.api.post('/apps', { name: 'other' });
    await daemon.api.patch('/apps/other', { mqttPassword: BROKER_USER.password });
    const own = { enabled: true, username: BROKER_USER.username, topic_prefix: 'other' };
    await configure({ ...own, url: `mqtt://127.0.0.1:${(silent.address() as net.AddressInfo).port}` }, 'other');
    await until('the broker of the other app hangs', async () => (await state('other')).state === 'connecting');
    await sendWebhook(daemon.url, event('room_started', { room: room('live-beside') }));
    await take('the event', ({ topic }) => topic === 'beside/events/room_started');
    assert.equal((await state('other')).connectedSince, null);

    await configure({ ...own, url: url() }, 'other');
    await until('the other app is online', () => last('other/state/app')?.body.state === 'online');
    const stage = room('other-stage');
    const publish = event('track_published', { room: stage, participant: participant('eva'), track: track('TR_9') });
    await sendWebhook(daemon.url, publish);
    await until('its stream is live', () => last('other/state/streams/PA_eva')?.body?.state === 'live');
    const deleted = await daemon.api.delete('/apps/other');
    assert.ok(deleted.status < 300, deleted.text);
    await until('it is offline', () => last('other/state/app')?.body.state === 'offline');
    assert.equal(last('other/state/streams/PA_eva')?.text, '');
  });

  it('leave a will when the daemon is killed', async () => {
    await configure({ enabled: true, url: url(), topic_prefix: 'willed' });
    await until('it is online', () => last('willed/state/app')?.body.state === 'online');
    await daemon.end('SIGKILL');
    await until('the will says offline', () => last('willed/state/app')?.body.state === 'offline');
  });
});
