// Runs in a separate mount namespace: a daemon on a disk that gets full, then on one that is half read-only.
// Prints what the routes answered as JSON.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { testDaemon } from './daemon.ts';
import { fillDisk, outcome } from './full-disk.ts';

const RAW = '/apps/live/config/raw';
const text = (note: string, size = 0) =>
  `name: live\nroom_prefix: live\ntranscoding: {}\n# ${note}\n${'#'.repeat(size)}\n`;

const dir = process.argv[2] as string;
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', dir]);
const endings: (() => unknown)[] = [];
const daemon = await testDaemon({ after: (fn) => endings.push(fn) }, {}, { dataDir: dir });
const app = path.join(dir, 'apps/live');
const onDisk = () => readFileSync(path.join(app, 'config.yaml'), 'utf8');
const leftovers = () => readdirSync(app).filter((name) => name.endsWith('.tmp'));

await daemon.api.put(RAW, { yaml: text('before') });
const filler = path.join(dir, 'filler');
fillDisk(filler);
const full = {
  put: outcome(await daemon.api.put(RAW, { yaml: text('never', 60_000) })),
  patch: outcome(await daemon.api.patch('/apps/live', { displayName: 'never' })),
  validate: outcome(await daemon.api.post(`${RAW}/validate`, { yaml: text('only tried') })),
  kept: onDisk() === text('before') && (await daemon.api.get(RAW)).body.data.yaml === text('before'),
  leftovers: leftovers(),
};
rmSync(filler);
const again = outcome(await daemon.api.put(RAW, { yaml: text('after') }));

// the config is a link to a place that can be written, the app's folder cannot
const elsewhere = path.join(dir, 'elsewhere');
mkdirSync(elsewhere);
renameSync(path.join(app, 'config.yaml'), path.join(elsewhere, 'live.yaml'));
symlinkSync(path.join(elsewhere, 'live.yaml'), path.join(app, 'config.yaml'));
await daemon.api.post('/apps/live/reload');
execFileSync('mount', ['--bind', app, app]);
execFileSync('mount', ['-o', 'remount,ro,bind', app]);
const readOnly = {
  put: outcome(await daemon.api.put(RAW, { yaml: text('never') })),
  kept: onDisk() === text('after') && (await daemon.api.get(RAW)).body.data.yaml === text('after'),
  leftovers: readdirSync(elsewhere),
};
execFileSync('umount', [app]);
for (const end of endings.reverse()) await end();
process.stdout.write(`${JSON.stringify({ full, again, readOnly })}\n`);
