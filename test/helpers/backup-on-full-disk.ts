// Runs in a separate mount namespace: a daemon whose disk has no room for a backup, and then
// a folder that is another disk. Prints what was seen as JSON.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { testDaemon } from './daemon.ts';
import { fillDisk } from './full-disk.ts';
import { until } from './until.ts';

const dir = process.argv[2] as string;
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', dir]);
const ends: (() => unknown)[] = [];
const { api, dataDir } = await testDaemon(
  { after: (step) => void ends.push(step) },
  {},
  { dataDir: path.join(dir, 'data') },
);
writeFileSync(path.join(dataDir, 'apps/live/recordings/one.mp4'), randomBytes(6_000_000));
const filler = path.join(dir, 'filler');
fillDisk(filler);
// enough for the databases of the daemon, not for the file
rmSync(filler);
writeFileSync(filler, Buffer.alloc(28_000_000));
const backUp = async () => {
  const { body } = await api.post('/backups', { passphrase: 'a long passphrase', recordings: true });
  return until('the attempt has ended', async () => {
    const { data } = (await api.get(`/jobs/${body.data.id}`)).body;
    return ['waiting', 'failed', 'succeeded'].includes(data.state) ? data : undefined;
  });
};
const full = await backUp();
const names = readdirSync(path.join(dataDir, 'backups'));
rmSync(filler);
await api.post(`/jobs/${full.id}/retry`);
const later = await until('the next attempt has ended', async () => {
  const { data } = (await api.get(`/jobs/${full.id}`)).body;
  return data.state === 'succeeded' || data.state === 'failed' ? data : undefined;
});
const archive = path.join(dataDir, 'archive');
mkdirSync(archive, { recursive: true });
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', archive]);
mkdirSync(path.join(archive, 'old'));
const begun = await api.post(`/backups/${later.result.backupId}/restore`, { passphrase: 'a long passphrase' });
const restored = await until('the restore has ended', async () => {
  const { data } = (await api.get(`/jobs/${begun.body.data.id}`)).body;
  return data.state === 'failed' || data.state === 'succeeded' ? data : undefined;
});
const { pendingRestore } = (await api.get('/backups/plan')).body.data;
const left = existsSync(path.join(dataDir, 'restore')) || readdirSync(archive).length > 1;
for (const end of ends.reverse()) await end();
process.stdout.write(
  `${JSON.stringify({ full: { state: full.state, code: full.error?.code }, names, later: later.state, across: { code: restored.error?.code, pendingRestore, left } })}\n`,
);
process.exit(0);
