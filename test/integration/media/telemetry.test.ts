// What clients in rooms report, and what is made of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';

const SID = 'PA_ana';
const { LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET } = LIVEKIT_KEYS;

async function joinToken({ identity = 'ana', room = 'live-show', age = 0, key = KEY, secret = SECRET } = {}) {
  const token = new AccessToken(key, secret, { identity, ttl: age === 0 ? 300 : -age });
  token.addGrant({ room, roomJoin: true });
  return token.toJwt();
}

test('samples of clients', async (t) => {
  const daemon = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
  const { api } = daemon;
  const room = { name: 'live-show', sid: 'RM_show' };
  const participant = { sid: SID, identity: 'ana', kind: 'STANDARD' };
  await sendWebhook(daemon.url, event('room_started', { room }));
  await sendWebhook(daemon.url, event('participant_joined', { room, participant }));
  const session = (await api.get('/apps/live/sessions')).body.data[0];
  const good = await joinToken();
  const report = (token: string | null, body: object, app = 'live') =>
    api.as(token).post(`/apps/${app}/telemetry`, body);
  const lossy = (secondsAgo: number) => ({
    secondsAgo,
    ice: 'turn-tcp',
    rttMs: 40,
    up: { bps: 500_000, lossPercent: 3, width: 1280, height: 720, fps: 25, codec: 'VP8' },
  });
  const body = { participantSid: SID, samples: [lossy(20), lossy(10), lossy(0)] };

  await t.test('are kept with the join token, once for each 10 seconds, and told in words', async () => {
    const { status, body: answer, headers } = await report(good, body);
    assert.deepEqual([status, answer.data], [200, { nextSeconds: 10 }]);
    assert.equal(headers.get('access-control-allow-origin'), '*');
    await report(good, body);
    const { data } = (await api.get(`/apps/live/sessions/${session.id}/quality/${SID}`)).body;
    // the second report may begin in the next 10 seconds
    assert.ok(data.samples.length === 3 || data.samples.length === 4, JSON.stringify(data.samples));
    assert.deepEqual(data.samples[0].up, lossy(0).up);
    assert.deepEqual(
      data.findings.map(({ text, direction }: any) => [text, direction]),
      [['3 % loss upstream, on TCP through TURN', 'up']],
    );
    const whole = (await api.get(`/apps/live/sessions/${session.roomSid}/quality`)).body.data;
    assert.deepEqual([whole.measured, whole.stays[0].stay, whole.stays[0].identity], [1, SID, 'ana']);
  });

  await t.test('are taken with a token that expired while its holder was in the room', async () => {
    assert.equal((await report(await joinToken({ age: 3600 }), body)).status, 200);
    assert.equal((await report(await joinToken({ age: 90_000 }), body)).body.code, 'JOIN_TOKEN_INVALID');
  });

  await t.test('are refused from anyone else', async () => {
    await api.post('/apps', { name: 'other' });
    for (const [token, app, code] of [
      [null, 'live', 'JOIN_TOKEN_INVALID'],
      [daemon.token, 'live', 'JOIN_TOKEN_INVALID'],
      [await joinToken({ secret: 'another-secret-of-32-characters-or-more' }), 'live', 'JOIN_TOKEN_INVALID'],
      [await joinToken({ identity: 'bob' }), 'live', 'CONNECTION_UNKNOWN'],
      [await joinToken({ room: 'live-elsewhere' }), 'live', 'CONNECTION_UNKNOWN'],
      [good, 'other', 'JOIN_TOKEN_INVALID'],
      [good, 'nowhere', 'APP_NOT_FOUND'],
    ] as const)
      assert.equal((await report(token, body, app)).body.code, code);
    assert.equal((await report(good, { ...body, participantSid: 'PA_nobody' })).body.code, 'CONNECTION_UNKNOWN');
  });

  await t.test('are bounded: what no client measures is a clear refusal', async () => {
    const sample = lossy(0);
    for (const [wrong, field] of [
      [{ ...body, samples: [] }, 'samples'],
      [{ ...body, samples: Array(7).fill(sample) }, 'samples'],
      [{ ...body, samples: [{ ...sample, secondsAgo: -1 }] }, 'secondsAgo'],
      [{ ...body, samples: [{ ...sample, rttMs: 1e9 }] }, 'rttMs'],
      [{ ...body, samples: [{ ...sample, ice: 'pigeon' }] }, 'ice'],
      [{ ...body, samples: [{ ...sample, up: { bps: 1, codec: '<script>' } }] }, 'codec'],
      [{ ...body, participantSid: 'x' }, 'participantSid'],
    ] as const) {
      const { status, body: refusal } = await report(good, wrong);
      assert.equal(status, 400, field);
      assert.ok(refusal.details[0].path.includes(field), JSON.stringify(refusal.details));
    }
  });

  await t.test('are for those who may read sessions', async () => {
    assert.equal((await api.as(null).get(`/apps/live/sessions/${session.id}/quality`)).status, 401);
    assert.equal((await api.get('/apps/live/sessions/999/quality')).body.code, 'SESSION_UNKNOWN');
    assert.equal((await api.get(`/apps/live/sessions/${session.id}/quality/PA_x`)).body.code, 'CONNECTION_UNKNOWN');
    assert.equal((await api.get(`/apps/other/sessions/${session.id}/quality`)).body.code, 'SESSION_UNKNOWN');
  });

  await t.test('are not kept where the app keeps nothing; the script is told to end', async () => {
    const { yaml } = (await api.get('/apps/live/config/raw')).body.data;
    const off = `${yaml.replace(/^analytics:\n(?: .*\n)*/m, '')}\nanalytics: { enabled: false }\n`;
    assert.equal((await api.put('/apps/live/config/raw', { yaml: off })).status, 200);
    assert.deepEqual((await report(good, body)).body.data, { nextSeconds: null });
  });

  await t.test('come from a script that any page can load', async () => {
    const script = await fetch(`${daemon.url}/telemetry.js`);
    assert.match(script.headers.get('content-type') ?? '', /^text\/javascript/);
    assert.equal(script.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.ok((await script.text()).length < 10_000);
  });
});
