// Runs in a separate mount namespace: a daemon whose disk gets full, one that starts on the full disk, one that starts on it
// read-only, and one whose registry another program locks. Prints what was seen as JSON.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { type TestDaemon, testDaemon } from './daemon.ts';
import { fillDisk, outcome } from './full-disk.ts';
import { until } from './until.ts';

const dir = process.argv[2] as string;
const ADMIN = { user: 'root@example.org', password: 'a long enough password' };
const ENV = { STREAMHUB_CLUSTER_TOKEN: 'c'.repeat(40), ADMIN_USER: ADMIN.user, ADMIN_PASS: ADMIN.password };
const filler = path.join(dir, 'filler');
const READS = [
  '/apps',
  '/apps/live',
  '/apps/live/vods',
  '/apps/live/config/raw',
  '/tokens',
  '/audit',
  '/jobs',

  '/stats',
  '/cluster/nodes',
  '/logs',
  '/security/bans',
  '/stats/history',
  '/plugins',
  '/health',
];

const unhandled: string[] = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error)));
process.on('uncaughtException', (error) => unhandled.push(String(error)));

const fill = (): void => fillDisk(filler);

const ready = async ({ api }: TestDaemon) => {
  const { status, body } = await api.as(null).get('/ready');
  return {
    status,
    wrong: (body.checks as { name: string; ok: boolean }[]).filter(({ ok }) => !ok).map(({ name }) => name),
  };
};
const reads = async ({ api }: TestDaemon) => {
  const answers: Record<string, number> = {};
  for (const url of READS) answers[url] = (await api.get(url)).status;
  return answers;
};
const writes = async ({ api }: TestDaemon, n: number) => ({
  token: outcome(await api.post('/tokens', { name: `t${n}`, scope: 'global' })),
  app: outcome(await api.post('/apps', { name: `app-${n}` })),
});

/** Runs every task of the daemon once, several turns long. */
async function runTasks({ services }: TestDaemon): Promise<void> {
  services.background.runAll();
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function inTurn(work: (daemon: TestDaemon) => Promise<object>): Promise<object> {
  const endings: (() => unknown)[] = [];
  const daemon = await testDaemon({ after: (fn) => endings.push(fn) }, ENV, { dataDir: dir });
  try {
    return await work(daemon);
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dir]);
const seen: Record<string, object> = {};
try {
  seen['full'] = await inTurn(async (daemon) => {
    const { api, services } = daemon;
    const before = await ready(daemon);
    fill();
    // each of them gathers something that has to be written later
    const during = {
      reads: await reads(daemon),
      writes: await writes(daemon, 1),
      refused: outcome(await api.as('sk_wrong').get('/apps')),
    };
    const { status: signIn, body } = await api.as(null).post('/auth/login', ADMIN);
    const account = await api.as(body.data?.token ?? body.token).get('/auth/me');
    await services.history.look();
    await runTasks(daemon);
    await runTasks(daemon);
    const failures = services.background.failures();
    const whileFull = await ready(daemon);
    rmSync(filler);
    await runTasks(daemon);
    await until('the daemon is ready', async () => (await ready(daemon)).status === 200);
    services.audit.flush();
    const { data } = (await api.get('/audit?limit=200')).body as { data: { action: string; outcome: string }[] };
    const stored = services.db.prepare('SELECT count(*) FROM sessions').pluck().get();
    return {
      before,
      ...during,
      tasks: services.background.names,
      codes: failures.map(({ code }) => code),
      whileFull,
      after: { writes: await writes(daemon, 2), failures: services.background.failures().length },
      audit: data.map(({ action, outcome }) => `${action} ${outcome}`),
      session: { signIn, account: account.status, isStored: stored === 1 },
    };
  });
  fill();
  seen['startedFull'] = await inTurn(async (daemon) => {
    const during = { reads: await reads(daemon), ready: await ready(daemon), writes: await writes(daemon, 3) };
    rmSync(filler);
    await runTasks(daemon);
    await until('the daemon is ready', async () => (await ready(daemon)).status === 200);
    return { ...during, after: await writes(daemon, 4) };
  });
  execFileSync('mount', ['-o', 'remount,ro', dir]);
  seen['readOnly'] = await inTurn(async (daemon) => {
    await runTasks(daemon);
    return { reads: await reads(daemon), ready: await ready(daemon), writes: await writes(daemon, 5) };
  });
  execFileSync('mount', ['-o', 'remount,rw', dir]);
  seen['locked'] = await inTurn(async (daemon) => {
    const other = new Database(path.join(dir, 'data/streamhub.db'));
    other.exec('BEGIN IMMEDIATE');
    const answer = await daemon.api.post('/tokens', { name: 'locked', scope: 'global' });
    await runTasks(daemon);
    const during = {
      reads: await reads(daemon),
      write: outcome(answer),
      retryAfter: answer.headers.get('retry-after'),
      ready: await ready(daemon),
    };
    other.exec('ROLLBACK');
    other.close();
    await runTasks(daemon);
    await until('the daemon is ready', async () => (await ready(daemon)).status === 200);
    return { ...during, after: await writes(daemon, 6) };
  });
} catch (error) {
  // what is thrown here fails the test, and is not the daemon's
  seen['failed'] = { error: String((error as Error).stack) };
} finally {
  execFileSync('umount', ['-l', dir]);
}
process.stdout.write(`${JSON.stringify({ ...seen, unhandled })}\n`);
