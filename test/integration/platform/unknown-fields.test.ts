import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';

describe('fields that nobody reads', () => {
  const daemon = sharedDaemon({ LIVEKIT_URL: 'ws://127.0.0.1:9', ...LIVEKIT_KEYS });

  test('are refused with the nearest name wherever something is created or granted', async () => {
    const { api } = daemon;
    const list = async () => (await api.get('/tokens')).body.length as number;
    const before = await list();
    for (const [method, place, body, path, near] of [
      ['POST', '/tokens', { name: 'x', scope: 'global', expireAt: '2027-01-01T00:00:00Z' }, 'expireAt', 'expiresAt'],
      ['POST', '/tokens', { name: 'x', scope: 'global', allowedIPs: ['127.0.0.1'] }, 'allowedIPs', 'allowedIps'],
      ['POST', '/apps', { name: 'misspelt', roomprefix: 'x' }, 'roomprefix', undefined],
      ['POST', '/apps/live/tokens', { identity: 'ana', canPublsh: false }, 'canPublsh', 'canPublish'],
      ['POST', '/cluster/join-codes', { ttlSecond: 60 }, 'ttlSecond', undefined],
      [
        'POST',
        '/alerts',
        { condition: 'disk-low', quietHours: { timezone: 'Europe/Paris' } },
        'quietHours.timezone',
        'timeZone',
      ],
      ['POST', '/security/rules', { cidr: '192.0.2.1/32', type: 'allow', remark: 'x' }, 'remark', undefined],
    ] as const) {
      const { status, body: answer, text } = await api.call(method, place, body);
      assert.equal(status, 400, `${place}: ${text}`);
      assert.equal(answer.code, 'VALIDATION_FAILED');
      const detail = answer.details.find((one: { path: string }) => one.path === `body.${path}`);
      assert.ok(detail, `${place}: ${text}`);
      assert.match(detail.message, /is not a field of this request/);
      if (near !== undefined) assert.match(detail.message, new RegExp(`did you mean ${near}\\?`));
    }
    assert.equal(await list(), before, 'nothing was created');
    assert.equal((await api.get('/apps/misspelt')).status, 404);
  });

  test('are dropped elsewhere, and a Warning header names them', async () => {
    const { api } = daemon;
    const renamed = await api.patch('/apps/live', { displayName: 'Live on air', colour: 'red', 'x\u00e9"': 1 });
    assert.equal(renamed.status, 200, renamed.text);
    assert.equal(renamed.body.data?.displayName ?? renamed.body.displayName, 'Live on air');
    assert.match(renamed.headers.get('warning') ?? '', /^299 - "ignored unknown fields: body\.colour, body\.x\?\?"$/);
    const flat = await api.patch('/apps/live/config', { recording: { auto: true, automatic: true } });
    assert.equal(flat.status, 200, flat.text);
    assert.match(flat.headers.get('warning') ?? '', /fields: body\.recording"$/);
    // an older client sends both names of an account
    const signIn = await api
      .as(null)
      .post('/auth/login', { user: 'a', email: 'a@example.com', password: 'x', remember: 1 });
    assert.notEqual(signIn.status, 400, signIn.text);
    const clean = await api.patch('/apps/live', { displayName: 'Live' });
    assert.equal(clean.headers.get('warning'), null);
  });
});
