// Runs in a separate mount namespace: a daemon whose disk gets full while it applies a configuration. Prints what was seen as JSON.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { testDaemon } from './daemon.ts';
import { fillDisk } from './full-disk.ts';
import { until } from './until.ts';

const dir = process.argv[2] as string;
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', dir]);
const ends: (() => unknown)[] = [];
const { api } = await testDaemon({ after: (step) => void ends.push(step) }, {}, { dataDir: path.join(dir, 'data') });
const exported = async () => (await api.get('/export')).body.data.files as { path: string; text: string }[];
const before = await exported();
const config = before.find((file) => file.path === 'apps/live/config.yaml')?.text ?? '';
const files = Array.from({ length: 30 }, (_, index) => {
  const name = `app-${String(index).padStart(2, '0')}`;
  const text = config.replaceAll('live', name).replaceAll('LIVE', name.toUpperCase().replace('-', '_'));
  return { path: `apps/${name}/config.yaml`, text: `${text}# ${'x'.repeat(40_000)}\n` };
});
const { fingerprint } = (await api.post('/plan', { files })).body.data;
const filler = path.join(dir, 'filler');
/** Leaves so much room on the disk. */
const leave = (bytes: number): void => {
  rmSync(filler, { force: true });
  writeFileSync(path.join(dir, 'room'), Buffer.alloc(bytes));
  fillDisk(filler);
  rmSync(path.join(dir, 'room'));
};
// not even what is to be done can be stored
leave(500_000);
const refused = (await api.post('/apply', { files, fingerprint })).body.code;
rmSync(filler);
const untouched = JSON.stringify(await exported()) === JSON.stringify(before);
// what is to be done can be stored, but not all of it can be done
leave(3_500_000);
const { status } = await api.post('/apply', { files, fingerprint });
rmSync(filler);
await until('the apply has ended', async () => (await api.get('/jobs?state=active')).body.total === 0);
const [point] = (await api.get('/rollback-points')).body.data;
const back = { rollbackPoint: point.id };
const plan = (await api.post('/plan', back)).body.data;
const ended = (await api.post('/apply', { ...back, fingerprint: plan.fingerprint })).status;
const isBack = JSON.stringify(await exported()) === JSON.stringify(before);
for (const end of ends.reverse()) await end();
process.stdout.write(
  `\n${JSON.stringify({ refused, untouched, failed: status >= 500, hasEnded: point.state !== 'applying', ended, isBack })}\n`,
);
