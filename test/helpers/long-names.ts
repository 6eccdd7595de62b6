import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { LogRepository } from '#daemon/platform/logs/repository.ts';
import { writeHistory } from '../screenshots/past.ts';
import { Client, type TestDaemon, temporaryDir, testDaemon } from './daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from './livekit-webhook.ts';
import { firstAdmin, MANY_ATTEMPTS, PASSWORD, type Person } from './people.ts';
import { addVods } from './recordings.ts';

const LENGTHS = [32, 100, 320];
const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const words = (length: number): string =>
  `${'Annual general assembly of the Federation of Independent Regional Broadcasters, day 2, '
    .repeat(5)
    .slice(0, length - 1)}.`;
const slug = (length: number): string =>
  `${'annual-general-assembly-of-the-federation-'.repeat(9).slice(0, length - 1)}x`;
/** The app with most of it. */
export const APP = slug(32);

/** Fails unless the request succeeds. */
export const must = async (answer: Promise<{ status: number; text: string }>): Promise<void> => {
  const { status, text } = await answer;
  assert.ok(status < 300, `${status} ${text}`);
};

/** A daemon whose every list has names of 32, 100 and 320 characters, as far as each field allows. */
export async function crowded(t: { after(fn: () => unknown): void }): Promise<{ daemon: TestDaemon; admin: Person }> {
  const dataDir = await temporaryDir(t);
  await mkdir(path.join(dataDir, 'logs'), { recursive: true });
  const table = LogRepository.open(path.join(dataDir, 'logs', 'server-logs.db'));
  const line = { ts: Date.now() - 60_000, source: 'recording', appId: null };
  table.insert(
    LENGTHS.flatMap((length) => [
      { ...line, level: 50, message: words(length), metaJson: JSON.stringify({ [slug(24)]: slug(length) }) },
      {
        ...line,
        level: 30,
        message: slug(length),
        metaJson: JSON.stringify({ requestId: slug(Math.min(length, 200)) }),
      },
    ]),
  );
  table.close();
  await mkdir(path.join(dataDir, 'data'), { recursive: true });
  writeHistory(dataDir, []);
  const daemon = await testDaemon(
    t,
    {
      ...LIVEKIT_KEYS,
      ...MANY_ATTEMPTS,
      LIVEKIT_URL: 'ws://127.0.0.1:9',
      STREAMHUB_CLUSTER_TOKEN: TOKEN,
      STREAMHUB_CLUSTER_REDIS_URL: 'redis://10.0.0.5:6379',
      STREAMHUB_PUBLIC_URL: `https://${slug(60)}.${slug(60)}.example.com`,
    },
    { dataDir },
  );
  const admin = await firstAdmin(daemon, `${slug(60)}@${slug(60)}.example.com`);
  const { api } = admin;
  await must(api.post('/apps', { name: APP, displayName: words(100), roomPrefix: APP }));
  await must(api.post('/apps', { name: 'short', displayName: words(32) }));
  const place = {
    provider: 'minio',
    bucket: slug(63),
    region: slug(32),
    endpoint: 'http://127.0.0.1:9',
    prefix: slug(200),
  };
  await must(api.put(`/apps/${APP}/s3`, { ...place, accessKeyId: 'key', secretAccessKey: slug(40) }));
  await must(api.patch(`/apps/${APP}`, { callbackUrl: `http://127.0.0.1:9/${slug(200)}`, features: { chat: true } }));
  addVods(
    daemon.dataDir,
    APP,
    LENGTHS.map((length) => ({
      key: `${slug(length)}.mp4`,
      name: words(length),
      room: `${APP}-${slug(length - 32 || 9)}`.slice(0, 256),
    })),
  );
  for (const length of LENGTHS) {
    const name = words(Math.min(length, 100));
    await must(api.post('/tokens', { name, scope: 'global', allowedIps: ['2001:db8:85a3::8a2e:370:7334'] }));
    await must(
      daemon.api.post('/tenants', {
        name: words(Math.min(length, 200)),
        ownerEmail: `${slug(Math.min(length, 64))}@example.com`,
      }),
    );
    await must(
      api.post('/teams/mine/members', { email: `${slug(30)}-${length}@${slug(60)}.example.com`, role: 'viewer' }),
    );
    await must(
      api.post('/security/rules', {
        cidr: `2001:db8:85a3:${length}::/64`,
        action: 'allow',
        note: words(Math.min(length, 200)),
      }),
    );
    await must(
      api.post('/security/bans', {
        ip: `2001:db8:85a3::${length}`,
        seconds: 86_400,
        reason: words(Math.min(length, 200)),
      }),
    );
    const edge = {
      name: slug(Math.min(length, 64)),
      ip: '2001:db8:85a3::8a2e:370:7334',
      region: slug(Math.min(length, 64)),
      url: `wss://${slug(Math.min(length, 60))}.example.com`,
    };
    await must(daemon.api.as(null).post('/cluster/join', edge, { 'x-cluster-token': TOKEN }));
    const parts = {
      room: room(`${APP}-${slug(Math.max(9, length - 64))}`),
      participant: participant(slug(Math.min(length, 120)), `PA_${length}`),
    };
    assert.equal(
      (await sendWebhook(daemon.url, event('track_published', { ...parts, track: track(`TR_${length}`) }))).status,
      200,
    );
    if (length === 32) await sendWebhook(daemon.url, event('participant_left', parts));
    // a session from a browser with a long name
    await must(
      new Client(daemon.url, null).call(
        'POST',
        '/auth/login',
        { user: admin.email, password: PASSWORD },
        { 'user-agent': words(length) },
      ),
    );
    // a job that fails, of an app with a long name
    const doomed = `${slug(26)}-${length}`;
    await must(api.post('/apps', { name: doomed }));
    await must(api.put(`/apps/${doomed}/s3`, { ...place, accessKeyId: 'key', secretAccessKey: slug(40) }));
    addVods(daemon.dataDir, doomed, [{ key: slug(length) }]);
    await must(api.delete(`/apps/${doomed}?deleteVods=true`, { prefer: 'respond-async' }));
  }
  return { daemon, admin };
}
