import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestDaemon } from '#test/helpers/daemon.ts';
import { sharedDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { join, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const ENV = { ...MANY_ATTEMPTS, ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };

async function publish(daemon: TestDaemon, name: string, identity: string): Promise<void> {
  const parts = { room: room(name), participant: participant(identity, `PA_${name}_${identity}`) };
  for (const one of [
    event('room_started', { room: room(name) }),
    event('participant_joined', parts),
    event('track_published', { ...parts, track: track(`TR_${name}_${identity}`) }),
  ])
    assert.equal((await sendWebhook(daemon.url, one, keys)).status, 200);
}

async function unpublish(daemon: TestDaemon, name: string, identity: string): Promise<void> {
  const parts = { room: room(name), participant: participant(identity, `PA_${name}_${identity}`) };
  assert.equal((await sendWebhook(daemon.url, event('participant_left', parts), keys)).status, 200);
}

const keys = { key: LIVEKIT_KEYS.LIVEKIT_API_KEY, secret: LIVEKIT_KEYS.LIVEKIT_API_SECRET };

/** A recording that LiveKit reports as done, with its size and length. */
async function recorded(daemon: TestDaemon, name: string, id: string, file: { minutes: number; bytes: number }) {
  const at = (Date.now() - 1000) * 1_000_000;
  const egress = {
    egressId: id,
    roomName: name,
    status: 'EGRESS_COMPLETE',
    startedAt: String(at),
    endedAt: String(Date.now() * 1_000_000),
    fileResults: [{ filename: `${id}.mp4`, size: String(file.bytes), duration: String(file.minutes * 60_000_000_000) }],
  };
  assert.equal((await sendWebhook(daemon.url, event('egress_ended', { egressInfo: egress }), keys)).status, 200);
}

function assertQuota(answer: { status: number; body: any; text: string }, metric: string, limit: number, used: number) {
  assert.equal(answer.status, 429, answer.text);
  const { error, code, statusCode, ...rest } = answer.body;
  assert.deepEqual([error, code, statusCode], ['quota_exceeded', 'QUOTA_EXCEEDED', 429]);
  assert.deepEqual([rest.metric, rest.limit, rest.used], [metric, limit, used]);
}

describe('quotas of what LiveKit carries', () => {
  const daemon = sharedDaemon(ENV);

  test('the right to publish is refused while the team has its number of live streams', async () => {
    const { owner } = await makeTeam(daemon, 'streams', { maxConcurrentStreams: 2 });
    for (const name of ['st-one', 'st-two']) assert.equal((await owner.api.post('/apps', { name })).status, 201);
    const editor = await join(daemon, owner.api, 'streams-editor@example.com', 'editor');
    const ask = (body: object, api = editor.api) => api.post('/apps/st-one/tokens', body);

    await publish(daemon, 'st-one-a', 'ana');
    assert.equal((await ask({ room: 'b', identity: 'bob' })).status, 201, 'one of two is live');
    await publish(daemon, 'st-two', 'bob');
    assertQuota(await ask({ room: 'c' }), 'maxConcurrentStreams', 2, 2);
    assertQuota(await ask({}, owner.api), 'maxConcurrentStreams', 2, 2);
    assertQuota(await owner.api.post('/apps/st-one/ingress', { type: 'rtmp' }), 'maxConcurrentStreams', 2, 2);
    // who only watches, who comes back, and who has no limit
    assert.equal((await ask({ canPublish: false })).status, 201);
    assert.equal((await ask({ room: 'a', identity: 'ana' })).status, 201);
    assert.equal((await ask({ room: 'a', identity: 'bob' })).status, 429, 'the same name in another room is another');
    assert.equal((await ask({}, daemon.api)).status, 201);
    // another team is not concerned
    const other = await makeTeam(daemon, 'streams-other');
    await other.owner.api.post('/apps', { name: 'st-other' });
    assert.equal((await other.owner.api.post('/apps/st-other/tokens', {})).status, 201);

    await unpublish(daemon, 'st-two', 'bob');
    assert.equal((await ask({ room: 'c' })).status, 201);
  });

  test('a recording is refused when the minutes of the month or the space are used up', async () => {
    const { id, owner } = await makeTeam(daemon, 'films', { maxRecordingMinutesMonth: 10, maxStorageGb: 1 });
    await owner.api.post('/apps', { name: 'films' });
    await publish(daemon, 'films', 'ana');
    const { data: streams } = (await owner.api.get('/apps/films/streams')).body;
    const both = [
      () => owner.api.post('/apps/films/recording/start', { room: 'films' }),
      () => owner.api.call('POST', `/apps/films/streams/${streams[0].streamId}/record/start`),
    ];
    // below both limits LiveKit is asked, which is not there
    for (const start of both) assert.equal((await start()).body.code, 'RECORDING_NOT_TAKEN');
    await recorded(daemon, 'films', 'EG_1', { minutes: 9.5, bytes: 1000 });
    assert.equal((await both[0]?.())?.body.code, 'RECORDING_NOT_TAKEN');
    await recorded(daemon, 'films', 'EG_2', { minutes: 0.5, bytes: 1000 });
    for (const start of both) assertQuota(await start(), 'maxRecordingMinutesMonth', 10, 10);
    const usage = (await owner.api.get(`/tenants/${id}/usage`)).body.data;
    assert.deepEqual(usage.exceeded, ['maxRecordingMinutesMonth']);
    // a refused start leaves no row
    const { total } = (await owner.api.get('/apps/films/vods?status=ready')).body;
    assert.equal(total, 2);

    await daemon.api.patch(`/tenants/${id}`, { quotas: { maxRecordingMinutesMonth: -1 } });
    assert.equal((await both[0]?.())?.body.code, 'RECORDING_NOT_TAKEN');
    await recorded(daemon, 'films', 'EG_3', { minutes: 1, bytes: 1_500_000_000 });
    for (const start of both) assertQuota(await start(), 'maxStorageGb', 1, 1.5);
    // what is being recorded already is a conflict
    const file = { filepath: 'live.mp4' };
    const live = { participant: { roomName: 'films', identity: 'ana', fileOutputs: [file] } };
    const egressInfo = { egressId: 'EG_4', roomName: 'films', status: 'EGRESS_ACTIVE', ...live };
    assert.equal((await sendWebhook(daemon.url, event('egress_updated', { egressInfo }), keys)).status, 200);
    assert.equal((await both[1]?.())?.body.code, 'ALREADY_RECORDING');
    // an API token is not limited
    const byToken = await daemon.api.post('/apps/films/recording/start', { room: 'films' });
    assert.equal(byToken.body.code, 'RECORDING_NOT_TAKEN');
  });
});

test('what a team’s app would record by itself is left out when its minutes are used up, and the log says so', async (t) => {
  const daemon = await testDaemon(t, { ...ENV, LOG_LEVEL: 'warn' });
  const { owner } = await makeTeam(daemon, 'auto', { maxRecordingMinutesMonth: 0 });
  await owner.api.post('/apps', { name: 'auto' });
  const raw = (await owner.api.get('/apps/auto/config/raw')).body.data.yaml as string;
  const yaml = raw.replace(/^ {2}auto: false/m, '  auto: true');
  assert.equal((await owner.api.put('/apps/auto/config/raw', { yaml })).status, 200);
  const refused = new Promise<void>((resolve) => {
    daemon.services.events.subscribe(({ type }) => type === 'stream.started' && setImmediate(resolve));
  });
  await publish(daemon, 'auto', 'ana');
  await refused;
  const row = await until(
    'the refusal is logged',
    async () => (await daemon.api.get('/logs?q=could+not+start+automatically')).body.data[0],
  );
  assert.match(row.metaJson, /maxRecordingMinutesMonth/);
  assert.equal((await owner.api.get('/apps/auto/vods')).body.total, 0);
});

test('in mode log nothing is refused', async (t) => {
  const daemon = await testDaemon(t, { ...ENV, STREAMHUB_AUTHZ_ENFORCE: 'log' });
  const { owner } = await makeTeam(daemon, 'lax', { maxConcurrentStreams: 0, maxStorageGb: 0 });
  await owner.api.post('/apps', { name: 'lax' });
  assert.equal((await owner.api.post('/apps/lax/tokens', {})).status, 201);
});
