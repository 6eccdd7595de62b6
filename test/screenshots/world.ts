import type { Browser } from 'playwright-core';
import { giveBucket } from '#test/helpers/bucket.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { Client, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { join } from '#test/helpers/participant.ts';
import { firstAdmin, join as joinTeam, makeTeam, type Person, signIn } from '#test/helpers/people.ts';
import { addVods, keysOf } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';
import { keepBeating, sketchNodes } from './nodes.ts';
import { ageRegistry, writeEndedStreams, writeHistory, writeLog, writeRecordings } from './past.ts';

export interface Cleanup {
  after(fn: () => unknown): void;
}

/** A daemon with a separate life: apps, people, nodes, streams, a past, and some trouble. */
export interface World {
  daemon: TestDaemon;
  admin: Person;
  viewer: Person;
  /** Named as they are shown in the desktop's rail. */
  others: Record<string, TestDaemon>;
  parts: { livekit: boolean; s3: boolean };
}

const CLUSTER_TOKEN = 'clt_5d0b7c9b8f2e4a1d9c3e6f7a8b1c2d3e';
/** Display name at its limit. */
export const LONG = 'Annual General Assembly of the Federation of Independent Regional Broadcasters, day 2';

const APPS: readonly [name: string, displayName: string, preset: string][] = [
  ['keynote', 'Keynote', 'low-latency'],
  ['sports', 'Sports arena', 'high-quality-recording'],
  ['townhall', 'Town hall', 'mass-audience-HLS'],
  ['radio', 'Radio with pictures', ''],
  ['classroom', 'Classroom', 'mass-audience-HLS'],
  ['agm-2026-federation-of-regional', LONG, 'mass-audience-HLS'],
  ['podcast', 'Podcast studio', ''],
  ['church', 'Sunday service', ''],
  ['press', 'Press room', 'low-latency'],
  ['demo', 'Demo', 'mass-audience-HLS'],
  ['surgery', 'Surgery training', 'high-quality-recording'],
  ['auction', 'Auction house', 'low-latency'],
];

const must = (answer: { status: number; text: string }, what: string): void => {
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${answer.text}`);
};

export async function makeWorld(t: Cleanup, chromium: Browser, say: (what: string) => void): Promise<World> {
  const [livekit, s3] = [startLivekit(t, { tellsDaemon: true }), startS3Server()];
  if (typeof s3 === 'object') t.after(() => s3.stop());
  for (const part of [livekit, s3]) if (typeof part === 'string') process.stderr.write(`${part}\n`);
  say('servers');
  const dataDir = await temporaryDir(t);
  const env = {
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    STREAMHUB_CLUSTER_REDIS_URL: 'redis://10.0.0.5:6379',
    STREAMHUB_PUBLIC_URL: 'https://streamhub.example.com',
    AUTH_RATE_LIMIT_MAX: '100000',
    LOG_LEVEL: 'info',
    ...(typeof livekit === 'object' ? { ...livekit.env, LIVEKIT_METRICS_URL: livekit.metricsUrl } : {}),
  };
  const first = await testDaemon(t, env, { dataDir });
  const admin = await firstAdmin(first, 'ana.moreau@example.com');
  await makeApps(t, admin.api, typeof s3 === 'object' ? s3 : undefined);
  const nodes = await sketchNodes(first.api, CLUSTER_TOKEN);
  const viewer = await makePeople(first, admin);
  const ids = (await first.api.get('/apps')).body as { id: number; name: string }[];
  const clip = typeof s3 === 'object' ? await putClip(first, s3, chromium) : undefined;
  await first.stop();
  say('apps, people, nodes');
  writeLog(
    dataDir,
    ids.map(({ id }) => id),
    26_000,
  );
  for (const [name, vods] of [
    ['keynote', 64],
    ['sports', 1240],
    ['townhall', 23],
    ['press', 7],
  ] as const) {
    writeRecordings(
      dataDir,
      name,
      vods,
      { bucket: clip?.bucket ?? 'media-eu', region: 'eu-west-1', endpoint: clip?.endpoint ?? 'https://s3.example.com' },
      name === 'keynote' ? clip?.key : undefined,
    );
    writeEndedStreams(dataDir, name, Math.min(40, vods));
  }
  writeHistory(
    dataDir,
    nodes.map(({ nodeId: id, load, rooms }) => ({ id, load, rooms })),
  );
  ageRegistry(dataDir, 'edge-sgp-1');
  const daemon = await testDaemon(t, env, { dataDir });
  say('a past');
  keepBeating(t, daemon, nodes);
  if (typeof livekit === 'object') await goLive(t, livekit);
  const again = await signIn(daemon, admin.email);
  if (typeof livekit === 'object') await makeIngests(again.api);
  await makeBackups(daemon);
  if (typeof s3 === 'object') await makeJobs(t, daemon, again.api, s3);
  say('streams, jobs');
  const others = { Berlin: await makeBerlin(t), Lab: await testDaemon(t), Archive: await testDaemon(t) };
  return {
    daemon,
    admin: again,
    viewer: await signIn(daemon, viewer.email),
    others,
    parts: { livekit: typeof livekit === 'object', s3: typeof s3 === 'object' },
  };
}

async function makeApps(t: Cleanup, api: Client, s3: S3Server | undefined): Promise<void> {
  for (const [name, displayName, preset] of APPS) {
    must(await api.post('/apps', { name, displayName }), name);
    if (preset !== '') must(await api.post(`/apps/${name}/presets/${preset}/apply`), preset);
  }
  if (s3) for (const name of ['keynote', 'sports', 'townhall']) await giveBucket(api, name, s3);
  const receiver = await callbackReceiver(t);
  // a few changes, so that there is a timeline
  for (const [url, body] of [
    ['/apps/keynote', { recordingEnabled: true, splitMinutes: 60 }],
    ['/apps/keynote', { callbackUrl: receiver.url }],
    ['/apps/keynote', { splitMinutes: 30, snapshotSeconds: 20 }],
  ] as const) {
    must(await api.patch(url, body), url);
  }
}

async function makePeople(daemon: TestDaemon, admin: Person): Promise<Person> {
  const { api } = daemon;
  await joinTeam(daemon, admin.api, 'li.wei@example.com', 'editor');
  await joinTeam(daemon, admin.api, 'bob.okafor@example.com', 'editor');
  const viewer = await joinTeam(daemon, admin.api, 'vera.silva@example.com', 'viewer');
  await admin.api.post('/teams/mine/members', { email: 'tom.eriksen@example.com', role: 'viewer' });
  await makeTeam(daemon, 'regional-broadcasters', { maxApps: 5, maxStorageGb: 500 });
  await makeTeam(daemon, 'university', { maxApps: 20 });
  const apps = (await api.get('/apps')).body as { id: number; name: string }[];
  const keynote = apps.find(({ name }) => name === 'keynote');
  for (const body of [
    { name: 'CI pipeline', scope: 'global', allowedIps: ['127.0.0.1', '203.0.113.0/24'] },
    { name: 'Website embeds', scope: 'app', appId: keynote?.id },
    { name: 'Grafana', scope: 'global' },
  ]) {
    const made = await admin.api.post('/tokens', body);
    must(made, body.name);
    if (body.name !== 'Grafana') await new Client(daemon.url, made.body.token).get('/apps');
  }
  await admin.api.post('/security/rules', { cidr: '203.0.113.0/24', action: 'allow', note: 'Paris office' });
  await admin.api.post('/security/rules', { cidr: '198.51.100.0/24', action: 'block', note: 'Scanner network' });
  await admin.api.post('/security/bans', { ip: '192.0.2.44', seconds: 86_400, reason: 'guessed tokens' });
  await viewer.api.delete('/apps/keynote');
  return viewer;
}

/** A short film that Chromium itself records, so that the player has something to play. */
async function putClip(
  { api }: TestDaemon,
  s3: S3Server,
  chromium: Browser,
): Promise<{ bucket: string; endpoint: string; key: string }> {
  const page = await chromium.newPage();
  const film = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const paint = canvas.getContext('2d') as CanvasRenderingContext2D;
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const ended = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    recorder.start();
    for (let n = 0; n < 40; n += 1) {
      const sky = paint.createLinearGradient(0, 0, 1280, 720);
      sky.addColorStop(0, '#1b2440');
      sky.addColorStop(1, '#7c3f58');
      paint.fillStyle = sky;
      paint.fillRect(0, 0, 1280, 720);
      paint.fillStyle = '#f2c38b';
      paint.beginPath();
      paint.arc(240 + n * 12, 340, 90, 0, 7);
      paint.fill();
      paint.fillStyle = '#fff';
      paint.font = '600 64px sans-serif';
      paint.fillText('Keynote, stage A', 80, 640);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await ended;
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  });
  await page.close();
  const { bucket } = (await api.get('/apps/keynote/s3')).body.data as { bucket: string };
  const key = 'keynote/stage-a-today.webm';
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  await s3.client.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: new Uint8Array(film), ContentType: 'video/webm' }),
  );
  return { bucket, endpoint: s3.endpoint, key };
}

async function goLive(t: Cleanup, livekit: LivekitServer): Promise<void> {
  for (const [room, identity] of [
    ['keynote-stage-a', 'camera-1'],
    ['keynote-stage-a', 'camera-2'],
    ['keynote-backstage', 'handheld'],
    ['sports-arena', 'drone-7'],
    ['press-podium', 'front-row'],
  ] as const) {
    const someone = await join(t, livekit.url, await livekit.token(room, identity));
    await someone.publish();
  }
}

/** Nobody sends to them: LiveKit's ingress service is not to be had here. */
async function makeIngests(api: Client): Promise<void> {
  for (const body of [
    { type: 'rtmp', name: 'Camera 1', room: 'stage-a', identity: 'camera-1-rtmp' },
    { type: 'rtmp', name: 'Camera 2, balcony', room: 'stage-a', identity: 'camera-2-rtmp' },
    { type: 'whip', room: 'backstage', identity: 'larix-phone' },
  ]) {
    must(await api.post('/apps/keynote/ingress', body), body.identity);
  }
}

/** A backup that is whole. */
async function makeBackups({ api }: TestDaemon): Promise<void> {
  must(await api.patch('/backups/plan', { passphrase: 'a passphrase for pictures' }), 'passphrase of backups');
  must(await api.post('/backups', {}), 'backup');
  await until('the backup is ready', async () => (await api.get('/backups')).body.data[0]?.state === 'ready');
}

/** A purge that went through, one that the bucket refused, one that runs all the while, one whose bucket is away. */
async function makeJobs(t: Cleanup, { dataDir }: TestDaemon, api: Client, s3: S3Server): Promise<void> {
  const slow = await s3Gate(t, s3.endpoint, 20_000);
  for (const [name, objects, endpoint] of [
    ['summer-2024', 60, s3.endpoint],
    ['trial-event', 60, s3.endpoint],
    ['autumn-2025', 60_000, slow.endpoint],
    ['old-studio', 3, 'http://127.0.0.1:9'],
  ] as const) {
    must(await api.post('/apps', { name }), name);
    const bucket = await giveBucket(api, name, s3, { endpoint });
    const vods = Array.from({ length: objects }, (_, n) => ({ key: `streamhub/${name}/part-${n}.mp4` }));
    addVods(dataDir, name, vods);
    // objects that are gone count as deleted: of many, none need be there
    if (objects < 100) await s3.put(bucket, keysOf(vods));
    if (name === 'trial-event') {
      await s3.denyDelete(bucket, `streamhub/${name}`);
      // who waits for the answer gets it; it is not tried again by itself
      await api.delete(`/apps/${name}?deleteVods=true`);
    } else must(await api.delete(`/apps/${name}?deleteVods=true`, { prefer: 'respond-async' }), name);
  }
}

/** A second daemon, whose LiveKit is away. */
async function makeBerlin(t: Cleanup): Promise<TestDaemon> {
  const berlin = await testDaemon(t, {
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    LIVEKIT_API_KEY: 'APIberlin',
    LIVEKIT_API_SECRET: 'a-secret-of-thirty-two-characters',
  });
  for (const name of ['keynote', 'museum', 'opera']) must(await berlin.api.post('/apps', { name }), name);
  await berlin.api.post('/apps/keynote/presets/high-quality-recording/apply');
  return berlin;
}
