import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { type Client, daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { firstAdmin, MANY_ATTEMPTS, mailbox, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const open = async (api: Client, query = ''): Promise<any[]> =>
  (await api.get(`/incidents?open=true${query}`)).body.data;
const incidentOf = (api: Client, condition: string): Promise<any> =>
  until(`an incident of ${condition}`, async () => (await open(api)).find((one) => one.condition === condition));

test('rules, channels and incidents of a daemon', async (t) => {
  const refused = new Map([
    ['gone@example.com', 550],
    ['full@example.com', 452],
  ]);
  const mail = await mailbox(t, { refuse: (address) => refused.get(address) });
  const dataDir = await temporaryDir(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...mail.env, STREAMHUB_APP_URL: '' }, { dataDir });
  const { api } = daemon;
  const root = await firstAdmin(daemon);
  const { owner } = await makeTeam(daemon, 'one');
  assert.equal((await owner.api.post('/apps', { name: 'own' })).status, 201);
  const receiver = await callbackReceiver(t);

  await t.test('every condition has a rule that is on, and changes are checked', async () => {
    const rules = (await api.get('/alerts')).body.data;
    const conditions = (await api.get('/alerts/conditions')).body.data;
    assert.equal(rules.length, conditions.length);
    assert.ok(rules.every((rule: any) => rule.enabled && rule.builtIn && !rule.changed));
    for (const [id, body, field] of [
      ['disk-low', { threshold: 0 }, 'body.threshold'],
      ['disk-low', { threshold: null }, 'body.threshold'],
      ['livekit-away', { threshold: 5 }, 'body.threshold'],
      ['livekit-away', { apps: ['live'] }, 'body.apps'],
      ['config-invalid', { nodes: ['a'] }, 'body.nodes'],
      [
        'disk-low',
        { quietHours: { from: '22:00', to: '07:00', timeZone: 'Middle/Earth' } },
        'body.quietHours.timeZone',
      ],
      ['disk-low', { quietHours: { from: '07:00', to: '07:00', timeZone: 'UTC' } }, 'body.quietHours.to'],
      ['disk-low', { quietHours: { from: '24:00', to: '07:00', timeZone: 'UTC' } }, 'body.quietHours.from'],
      ['disk-low', { forSeconds: -1 }, 'body.forSeconds'],
      ['disk-low', { channels: [999] }, 'body.channels'],
    ] as const) {
      const refused = await api.patch(`/alerts/${id}`, body);
      assert.equal(refused.status, 400, JSON.stringify(body));
      assert.equal(refused.body.details[0].path, field);
    }
    assert.equal((await api.patch('/alerts/nothing', {})).body.code, 'ALERT_RULE_NOT_FOUND');
    const changed = await api.patch('/alerts/disk-low', { threshold: 20 });
    assert.deepEqual([changed.body.data.threshold, changed.body.data.changed], [20, true]);
    const added = await api.post('/alerts', { condition: 'disk-low', name: 'Full', threshold: 1 });
    assert.deepEqual([added.status, added.body.data.id, added.body.data.severity], [201, 'rule-1', 'critical']);
    assert.equal((await api.delete('/alerts/rule-1')).status, 204);
    assert.equal((await api.delete('/alerts/disk-low')).status, 204);
    const restored = (await api.get('/alerts')).body.data.find((rule: any) => rule.id === 'disk-low');
    assert.deepEqual([restored.threshold, restored.changed], [10, false]);
  });

  await t.test('a channel that is deleted leaves its rules, unless a rule would then tell nobody', async () => {
    const add = async (name: string): Promise<number> =>
      (await api.post('/alerts/channels', { kind: 'webhook', name, enabled: false, url: receiver.url })).body.data.id;
    const [one, two] = [await add('One'), await add('Two')];
    await api.patch('/alerts/disk-low', { channels: [one, two] });
    const { id } = (await api.post('/alerts', { condition: 'memory-low', name: 'Memory', channels: [one] })).body.data;
    const refused = await api.delete(`/alerts/channels/${one}`);
    assert.deepEqual([refused.status, refused.body.code], [409, 'ALERT_CHANNEL_IN_USE']);
    assert.match(refused.body.message, /One.*: Memory\./);
    await api.delete(`/alerts/${id}`);
    assert.equal((await api.delete(`/alerts/channels/${one}`)).status, 204);
    const rule = (await api.get('/alerts')).body.data.find((other: any) => other.id === 'disk-low');
    assert.deepEqual(rule.channels, [two]);
    assert.equal((await api.patch('/alerts/disk-low', { channels: rule.channels })).status, 200);
    await api.delete('/alerts/disk-low');
    await api.delete(`/alerts/channels/${two}`);
  });

  await t.test('teams see what concerns them, in their words, and change only their own', async () => {
    const livekit = await incidentOf(api, 'livekit-away');
    assert.equal(livekit.text, 'LiveKit is not connected, so nothing can be streamed');
    const own = await open(owner.api);
    assert.deepEqual(
      own.map(({ condition, text }) => [condition, text]),
      [['livekit-away', 'LiveKit is unavailable, so nothing can be streamed. Ask an administrator']],
    );
    const refused = await owner.api.post(`/incidents/${livekit.id}/acknowledge`);
    assert.deepEqual([refused.status, refused.body.code], [403, 'GLOBAL_SCOPE_REQUIRED']);
    assert.equal(
      (await api.post(`/incidents/${livekit.id}/acknowledge`)).body.data.acknowledgedBy,
      'STREAMHUB_API_TOKEN',
    );
    const { id } = (await api.get('/apps/own')).body;
    const token = (await api.post('/tokens', { name: 'own', scope: 'app', appId: id })).body.token;
    assert.deepEqual(await open(api.as(token)), [], 'an app token sees its app only');
    assert.equal((await api.as(token).get(`/incidents/${livekit.id}`)).status, 404);
    assert.equal((await api.get('/incidents/999999')).body.code, 'INCIDENT_NOT_FOUND');
  });

  await t.test(
    'an incident of an app opens, is announced, acknowledged and silenced, and closes by itself',
    async () => {
      const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=alerts&app=own' });
      const good = await readFile(path.join(dataDir, 'apps/own/config.yaml'), 'utf8');
      await writeFile(path.join(dataDir, 'apps/own/config.yaml'), 'webrtc: [');
      await api.post('/apps/own/reload');
      const incident = await incidentOf(api, 'config-invalid');
      assert.deepEqual([incident.app, incident.severity, incident.rule], ['own', 'critical', 'config-invalid']);
      assert.equal((await open(owner.api, '&app=own'))[0].id, incident.id);
      assert.deepEqual(await open(owner.api, '&severity=warning'), []);
      assert.equal((await events.next((event) => event.event === 'incident.opened')).data.data.id, incident.id);
      const acknowledged = await owner.api.post(`/incidents/${incident.id}/acknowledge`);
      assert.equal(acknowledged.body.data.acknowledgedBy, owner.email);
      const silenced = await owner.api.post(`/incidents/${incident.id}/silence`, { seconds: 3600 });
      assert.ok(Date.parse(silenced.body.data.silencedUntil) > Date.now());
      assert.equal((await owner.api.post(`/incidents/${incident.id}/silence`, { seconds: 1 })).status, 400);
      assert.equal((await owner.api.post(`/incidents/${incident.id}/unsilence`)).body.data.silencedUntil, null);
      await writeFile(path.join(dataDir, 'apps/own/config.yaml'), good);
      await api.post('/apps/own/reload');
      const closed = await until('the incident is closed', async () => {
        const { data } = (await api.get(`/incidents/${incident.id}`)).body;
        return data.state === 'closed' ? data : undefined;
      });
      assert.ok(closed.durationSeconds >= 0 && closed.closedAt >= closed.openedAt);
      await events.next((event) => event.event === 'incident.closed');
      const history = (await owner.api.get('/incidents?open=false&app=own')).body;
      assert.deepEqual([history.total, history.data[0].id], [1, incident.id]);
      assert.equal((await owner.api.post(`/incidents/${incident.id}/acknowledge`)).body.code, 'INCIDENT_CLOSED');
    },
  );

  await t.test('each kind of receiver gets its own form, with the receiver’s answer', async () => {
    const url = (name: string) => receiver.url.replace('/hook', `/${name}/s3cret-path`);
    const forms: readonly (readonly [
      kind: string,
      more: { url: string; secret?: string },
      check: (sent: any) => unknown,
    ])[] = [
      [
        'webhook',
        { url: url('webhook'), secret: 'signing-secret' },
        ({ body, raw, headers }: any) => {
          assert.equal(body.event, 'incident.test');
          const expected = createHmac('sha256', 'signing-secret').update(raw).digest('hex');
          assert.equal(headers['x-streamhub-signature'], `sha256=${expected}`);
        },
      ],
      ['slack', { url: url('slack') }, ({ body }: any) => assert.match(body.attachments[0].title_link, /\/alerts$/)],
      [
        'discord',
        { url: url('discord') },
        ({ body }: any) => {
          assert.match(body.embeds[0].title, /^Test/);
          assert.deepEqual(body.allowed_mentions, { parse: [] });
        },
      ],
      [
        'teams',
        { url: url('teams') },
        ({ body }: any) => {
          const [card] = body.attachments;
          assert.equal(card.contentType, 'application/vnd.microsoft.card.adaptive');
          assert.deepEqual([card.content.type, card.content.body[0].type], ['AdaptiveCard', 'TextBlock']);
        },
      ],
      [
        'ntfy',
        { url: url('ntfy'), secret: 'tk_topic' },
        ({ body, headers, path: asked }: any) => {
          assert.deepEqual([asked, body.topic, headers.authorization], ['/ntfy/', 's3cret-path', 'Bearer tk_topic']);
        },
      ],
      [
        'pagerduty',
        { url: url('pagerduty'), secret: 'routing-key-1' },
        ({ body }: any) => {
          assert.deepEqual([body.routing_key, body.event_action], ['routing-key-1', 'trigger']);
          assert.ok(body.dedup_key && body.payload.summary && body.payload.source && body.payload.severity === 'info');
          return receiver.next((resolved) => {
            assert.deepEqual([resolved.body.event_action, resolved.body.dedup_key], ['resolve', body.dedup_key]);
            return true;
          });
        },
      ],
    ];
    for (const [kind, more, check] of forms) {
      const created = await api.post('/alerts/channels', { kind, name: kind, enabled: false, ...more });
      assert.equal(created.status, 201, created.text);
      assert.doesNotMatch(created.text, /s3cret|signing-secret|tk_topic|routing-key/);
      const take = (_: unknown, response: ServerResponse) => response.writeHead(202).end(`taken by ${kind}`);
      receiver.behave(...(kind === 'pagerduty' ? [take, take] : [take]));
      const tested = (await api.post(`/alerts/channels/${created.body.data.id}/test`)).body.data;
      assert.deepEqual([tested.ok, tested.status, tested.answer], [true, 202, `taken by ${kind}`]);
      await check(await receiver.next());
      receiver.behave((_, response) => response.writeHead(500).end(`no, ${more.secret ?? ''}`));
      const failed = await api.post(`/alerts/channels/${created.body.data.id}/test`);
      assert.deepEqual([failed.body.data.ok, failed.body.data.status], [false, 500]);
      assert.match(failed.body.data.error, /500/);
      assert.doesNotMatch(failed.text, /signing-secret|tk_topic|routing-key/, 'a receiver that repeats a secret');
      await receiver.next();
      assert.equal((await api.delete(`/alerts/channels/${created.body.data.id}`)).status, 204);
    }
    const audit = (await api.get('/audit?limit=200')).text;
    assert.doesNotMatch(audit, /s3cret-path|signing-secret|tk_topic|routing-key/);
    assert.doesNotMatch(await readFile(path.join(dataDir, 'data/secrets.json'), 'utf8'), /ALERT_CHANNEL/, 'deleted');
    for (const [body, field] of [
      [{ kind: 'slack' }, 'body.url'],
      [{ kind: 'slack', url: 'http://169.254.169.254/latest' }, 'body.url'],
      [{ kind: 'slack', url: 'ftp://example.com' }, 'body.url'],
      [{ kind: 'ntfy', url: 'https://ntfy.sh/' }, 'body.url'],
      [{ kind: 'pagerduty' }, 'body.secret'],
      [{ kind: 'email' }, 'body.to'],
      [{ kind: 'email', to: ['ana'] }, 'body.to.0'],
      [{ kind: 'desktop', url: 'https://example.com' }, 'body.url'],
    ] as const) {
      const refused = await api.post('/alerts/channels', { name: 'x', ...body });
      assert.deepEqual([refused.status, refused.body.details?.[0]?.path], [400, field], JSON.stringify(body));
    }
  });

  await t.test('mail and desktop notifications are sent, too', async () => {
    const { id } = (
      await api.post('/alerts/channels', { kind: 'email', name: 'Mail', enabled: false, to: ['ops@example.com'] })
    ).body.data;
    const tested = await api.post(`/alerts/channels/${id}/test`);
    assert.equal(tested.body.data.ok, true, tested.text);
    assert.match(await mail.next('ops@example.com'), /Nothing is wrong/);
    await api.delete(`/alerts/channels/${id}`);
    const events = await readEvents(t, daemon.url, root.api.token as string, { query: '?topics=alerts' });
    const desktop = (await api.get('/alerts/channels')).body.data.find(({ kind }: any) => kind === 'desktop');
    assert.equal((await api.post(`/alerts/channels/${desktop.id}/test`)).body.data.ok, true);
    const shown = await events.next((event) => event.event === 'alert.notice');
    assert.match(shown.data.data.title, /^Test/);
  });

  await t.test(
    'an incident reaches a channel when it opens and when it is over; a channel that fails is told',
    async () => {
      const { id } = (
        await api.post('/alerts/channels', { kind: 'webhook', name: 'Ops', minSeverity: 'critical', url: receiver.url })
      ).body.data;
      receiver.behave(500);
      const good = await readFile(path.join(dataDir, 'apps/own/config.yaml'), 'utf8');
      await api.patch('/alerts/config-invalid', { channels: [id] });
      await writeFile(path.join(dataDir, 'apps/own/config.yaml'), 'webrtc: [');
      await api.post('/apps/own/reload');
      const isOpened = ({ body }: any) => body.event === 'incident.opened' && /config of own/.test(body.title);
      const first = await receiver.next(isOpened);
      assert.match(first.body.title, /^The config of own is not active/);
      const failing = await incidentOf(api, 'channel-failing');
      assert.equal(failing.subject.name, 'Ops');
      const again = await receiver.next(isOpened);
      assert.equal(again.headers['x-streamhub-delivery'], first.headers['x-streamhub-delivery']);
      assert.equal(again.raw, first.raw, 'the same message on every try');
      await writeFile(path.join(dataDir, 'apps/own/config.yaml'), good);
      await api.post('/apps/own/reload');
      await until(
        'the channel works again',
        async () => (await api.get(`/incidents/${failing.id}`)).body.data.state === 'closed',
      );
      await api.patch(`/alerts/config-invalid`, { channels: null });
    },
  );

  await t.test('each address of a mail channel gets its mail once, even if others are refused', async () => {
    const to = ['first@example.com', 'gone@example.com', 'full@example.com', 'last@example.com'];
    const { id } = (await api.post('/alerts/channels', { kind: 'email', name: 'Duty', to })).body.data;
    const channel = async () => (await api.get('/alerts/channels')).body.data.find((one: any) => one.id === id);
    const rule = (await api.post('/alerts', { condition: 'config-invalid', channels: [id] })).body.data;
    const file = path.join(dataDir, 'apps/own/config.yaml');
    const good = await readFile(file, 'utf8');
    await writeFile(file, 'webrtc: [');
    await api.post('/apps/own/reload');
    await until('it is tried', async () => (await channel()).lastError);
    assert.match((await channel()).lastError, /refuses gone@example\.com, full@example\.com: 550/);
    refused.delete('full@example.com');
    await mail.next('full@example.com');
    await until('the rest is delivered', async () => /refuses/.test((await channel()).lastError) === false);
    const ofIncident = mail.received.filter(({ to: address }) => to.includes(address));
    assert.deepEqual(ofIncident.map(({ to: address }) => address).sort(), [
      'first@example.com',
      'full@example.com',
      'last@example.com',
    ]);
    await writeFile(file, good);
    await api.post('/apps/own/reload');
    await api.delete(`/alerts/${rule.id}`);
    await api.delete(`/alerts/channels/${id}`);
  });
});

test('open incidents and messages that wait survive a daemon that is killed', async (t) => {
  const dataDir = await temporaryDir(t);
  const file = path.join(dataDir, 'apps/live/config.yaml');
  const receiver = await callbackReceiver(t);
  await receiver.close();
  const first = await daemonProcess(t, dataDir);
  const good = await readFile(file, 'utf8');
  const { status, body } = await first.api.post('/alerts/channels', {
    kind: 'webhook',
    name: 'Ops',
    url: receiver.url,
  });
  assert.equal(status, 201);
  await first.api.patch('/alerts/config-invalid', { channels: [body.data.id] });
  await writeFile(file, 'webrtc: [');
  await first.api.post('/apps/live/reload');
  const incident = await incidentOf(first.api, 'config-invalid');
  await until('the message was tried', async () => {
    const { data } = (await first.api.get('/alerts/channels')).body;
    return data.find(({ id }: any) => id === body.data.id).failingSince;
  });
  await first.end('SIGKILL');
  await receiver.open();
  const second = await daemonProcess(t, dataDir);
  const opened = await receiver.next(({ body: sent }) => sent.event === 'incident.opened' && /config/.test(sent.title));
  assert.equal(opened.body.incidents[0].id, incident.id);
  const same = await incidentOf(second.api, 'config-invalid');
  assert.deepEqual([same.id, same.openedAt], [incident.id, incident.openedAt]);
  await writeFile(file, good);
  await second.api.post('/apps/live/reload');
  const closed = await receiver.next(({ body: sent }) => sent.event === 'incident.closed' && /config/.test(sent.title));
  assert.ok(closed.body.incidents[0].durationSeconds >= 0);
  const history = (await second.api.get('/incidents?open=false&condition=config-invalid')).body;
  assert.deepEqual([history.total, history.data[0].id], [1, incident.id]);
});
