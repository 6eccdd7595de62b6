import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Background } from '#daemon/platform/background.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { FirstCredentials, isKeptOutput } from './first-credentials.ts';

test('the journal and a container’s log are told from a terminal or a file', async (t) => {
  const dir = await temporaryDir(t);
  const file = openSync(path.join(dir, 'out'), 'w');
  t.after(() => closeSync(file));
  const { dev, ino } = statSync(path.join(dir, 'out'), { bigint: true });
  assert.equal(isKeptOutput({}, file), false);
  assert.equal(isKeptOutput({ JOURNAL_STREAM: `${dev}:${ino}` }, file), true);
  // inherited by a program whose output was sent elsewhere
  assert.equal(isKeptOutput({ JOURNAL_STREAM: `${dev}:${ino + 1n}` }, file), false);
  assert.equal(isKeptOutput({ container: 'docker' }, file), true);
});

test('the files are the owner’s only, and are gone after a day', async (t) => {
  const files = new FirstCredentials({ data: await temporaryDir(t) });
  const setup = { url: 'http://127.0.0.1/setup#x', token: 'x', expiresAt: '' };
  files.write({ token: 'sk_x', setup });
  for (const file of [files.token, files.link]) assert.equal(statSync(file).mode & 0o777, 0o600);
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  utimesSync(files.token, dayAgo, dayAgo);
  files.keepForADay(new Background({ log: { info() {}, warn() {} } as never }));
  await until('the token is gone', () => !existsSync(files.token));
  assert.ok(existsSync(files.link));
  files.write({ token: null, setup: null });
  assert.ok(!existsSync(files.link), 'an account was made');
});
