import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';

const ROUNDS = 4;
/** Enough text that a write takes several pages. */
const FILLER = Array.from({ length: 400 }, (_, i) => `# line ${i} ${'.'.repeat(80)}`).join('\n');
const configText = (version: number): string =>
  `name: live\nroom_prefix: live\ndisplay_name: "v${version}"\ntranscoding:\n  enabled: false\n${FILLER}\n# end ${version}\n`;

/** Writes as fast as it can until the connection breaks; remembers what was acknowledged. */
async function writeUntilKilled(
  daemon: DaemonProcess,
  first: number,
  killAfter: number,
): Promise<{ config: number; key: number }> {
  const done = { config: first, key: first };
  let answers = 0;
  const writer = async (kind: 'config' | 'key'): Promise<void> => {
    for (let version = first + 1; ; version += 1) {
      const { status } =
        kind === 'config'
          ? await daemon.api.put('/apps/live/config/raw', { yaml: configText(version) })
          : await daemon.api.put('/apps/live/s3', {
              key: `AKIAKEY${String(version).padStart(9, '0')}`,
              secret: `secret-${version}-${'s'.repeat(300)}`,
            });
      assert.equal(status, 200);
      done[kind] = version;
      answers += 1;
      // not awaited: the kill meets writes of both kinds somewhere in their course
      if (answers >= killAfter) setImmediate(() => daemon.child.kill('SIGKILL'));
    }
  };
  const ends = await Promise.allSettled([writer('config'), writer('key')]);
  for (const end of ends) {
    const reason = (end as PromiseRejectedResult).reason as Error;
    if (reason instanceof assert.AssertionError) throw reason;
  }
  return done;
}

describe('SIGKILL at any moment', () => {
  test('every config and backup is whole, no acknowledged write is lost, secrets are readable', async (t) => {
    const dir = await temporaryDir(t);
    const appDir = path.join(dir, 'apps/live');
    let version = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const killAfter = 2 + Math.floor(Math.random() * 12);
      const daemon = await daemonProcess(t, dir);
      const done = await writeUntilKilled(daemon, version, killAfter);
      await daemon.end('SIGKILL');
      const note = `round ${round}, killed after ${killAfter} answers`;

      const text = await readFile(path.join(appDir, 'config.yaml'), 'utf8');
      const written = Number(/display_name: "?v(\d+)/.exec(text)?.[1]);
      assert.ok(written >= done.config, `${note}: version ${written} on the disk, ${done.config} was acknowledged`);
      assert.ok(text.endsWith(`# end ${written}\n`), `${note}: the config is cut off`);
      assert.equal(parse(text).name, 'live');

      const secretsFile = path.join(dir, 'data/secrets.json');
      const stored = await readFile(secretsFile, 'utf8').catch(() => '{}'); // none before the first key is given
      const secrets = JSON.parse(stored) as Record<string, string>;
      const key = Number(/^AKIAKEY(\d+)$/.exec(secrets['APP_LIVE_S3_KEY'] ?? '')?.[1] ?? 0);
      assert.ok(key >= done.key || done.key === version, `${note}: key ${key} stored, ${done.key} was acknowledged`);
      if (key > 0) {
        assert.match(
          secrets['APP_LIVE_S3_SECRET'] ?? '',
          new RegExp(`^secret-${key}-s{300}$`),
          `${note}: key and secret belong together`,
        );
        assert.equal((await stat(secretsFile)).mode & 0o777, 0o600);
      }

      for (const file of (await readdir(appDir)).filter((name) => name.startsWith('config.yaml.bak.'))) {
        assert.equal(parse(await readFile(path.join(appDir, file), 'utf8')).name, 'live', `${note}: ${file}`);
      }
      version = Math.max(written, key);
    }

    const daemon = await daemonProcess(t, dir);
    const backups = (await daemon.api.get('/apps/live/config/backups')).body.data;
    assert.ok(backups.length > 0);
    for (const { ts } of backups) assert.equal((await daemon.api.get(`/apps/live/config/backups/${ts}`)).status, 200);
    assert.equal(
      (await daemon.api.put('/apps/live/s3', { key: 'AKIAKEY000000001', secret: 'secret' })).body.data.configured,
      true,
    );
    const left = (await readdir(appDir)).filter((name) => /tmp|\.new/.test(name));
    assert.deepEqual(left, [], 'temporary files of killed writes are cleared away');
  });
});
