import assert from 'node:assert/strict';
import { createHmac, hash } from 'node:crypto';
import { test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import {
  event,
  LIVEKIT_KEYS,
  participant,
  room,
  sendWebhook,
  signWebhook,
  track,
} from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as LiveKit makes it, signed by a machine whose clock is `ahead` seconds ahead. */
function signed(body: string, ahead: number, { key = LIVEKIT_KEYS.LIVEKIT_API_KEY, more = {} } = {}): string {
  const now = Math.floor(Date.now() / 1000) + ahead;
  const claims = { iss: key, nbf: now, exp: now + 300, sha256: hash('sha256', body, 'base64'), ...more };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', LIVEKIT_KEYS.LIVEKIT_API_SECRET).update(text).digest('base64url')}`;
}

test('each cause of a refused webhook is told apart: answer, log, status and hint', async (t) => {
  const daemon = await testDaemon(t, { ...ENV, LOG_LEVEL: 'info' });
  const body = JSON.stringify(
    event('track_published', { room: room('live-stage'), participant: participant('ana'), track: track('TR_1') }),
  );
  const status = async () => (await daemon.api.get('/system/livekit')).body.data;
  const cases: [string, string, string | null, RegExp][] = [
    ['unsigned', body, null, /Authorization header/],
    ['malformed', body, 'Bearer nonsense', /Authorization header/],
    ['malformed', body, signed(body, 0, { more: { sha256: undefined } }), /Authorization header/],
    ['malformed', body, signed(body, 0, { more: { exp: undefined } }), /Authorization header/],
    ['key', body, await signWebhook(body, 'APIother'), /webhook\.api_key/],
    ['secret', body, await signWebhook(body, undefined, 'another-secret-of-32-characters!!'), /LIVEKIT_API_SECRET/],
    ['expired', body, signed(body, -400), /NTP/],
    ['body', `${body} `, signed(body, 0), /proxy/],
    ['clock', body, signed(body, 90), /differ by (8\d|90) s/],
  ];
  // least telling first, so that each hint is of its own cause
  for (const [cause, text, authorization, hint] of cases) {
    const answer = await sendWebhook(daemon.url, text, { authorization });
    assert.deepEqual([answer.status, answer.body.code, answer.body.cause], [401, 'WEBHOOK_SIGNATURE', cause]);
    assert.match(answer.body.hint, hint, cause);
    const { webhooks, hint: shown } = await status();
    assert.equal(webhooks.rejections.at(-1).cause, cause);
    if (cause !== 'body') assert.match(shown, hint, cause);
  }
  // also when other events pass
  assert.equal((await sendWebhook(daemon.url, body, { authorization: signed(body, 0) })).status, 200);
  const { webhooks, hint, clock } = await status();
  assert.equal(webhooks.received, 1);
  assert.match(hint, /differ by/);
  assert.ok(clock.differenceSeconds >= 80 && clock.differenceSeconds <= 91, String(clock.differenceSeconds));
  for (let n = 0; n < 5; n++) await sendWebhook(daemon.url, body, { authorization: 'Bearer nonsense' });
  const lines = await until('the log is written', async () => {
    const { data } = (await daemon.api.get('/logs?level=warn&limit=200')).body;
    const found = data.filter((row: { message?: string; msg?: string }) =>
      JSON.stringify(row).includes('was rejected: '),
    );
    return found.length >= 7 && found;
  });
  assert.equal(lines.length, 7, 'one line a minute for each cause');
});

test('clocks that differ by less than a minute do no harm', async (t) => {
  const daemon = await testDaemon(t, ENV);
  for (const ahead of [30, 55, -30, -340]) {
    const body = JSON.stringify(
      event('track_published', { room: room('live-stage'), participant: participant('ana'), track: track('TR_1') }),
    );
    const answer = await sendWebhook(daemon.url, body, { authorization: signed(body, ahead) });
    assert.equal(answer.status, 200, `${ahead} s: ${answer.text}`);
  }
  assert.match((await daemon.api.get('/system/livekit')).body.data.hint ?? '', /^$|clock|LiveKit runs/);
});
