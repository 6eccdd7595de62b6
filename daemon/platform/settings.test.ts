import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { defaultDataDir, loadSettings, publicBase, SettingsError } from './settings.ts';

test('flags win over the environment, the environment over the file, the file over defaults', async (t) => {
  const dir = await temporaryDir(t);
  writeFileSync(path.join(dir, 'streamhub.env'), 'PORT=1\nHOST=10.0.0.1\nLOG_LEVEL="warn"\n# a comment\n');
  const settings = loadSettings({ env: { DATA_DIR: dir, PORT: '2', HOST: '' }, flags: { port: '3' } });
  assert.deepEqual(
    [settings.port, settings.host, settings.logLevel, settings.logMaxFiles],
    [3, '10.0.0.1', 'warn', 10],
  );
  const { port, host, logLevel, logMaxFiles, dataDir } = settings.origins;
  assert.deepEqual([port, host, logLevel, logMaxFiles, dataDir], ['flag', 'file', 'file', 'default', 'environment']);
});

test('an env file that was named must exist', () => {
  assert.throws(() => loadSettings({ env: { STREAMHUB_ENV_FILE: '/nowhere/x.env', DATA_DIR: '/tmp' } }), SettingsError);
});

test('words for yes and no, in any case; other words are refused', async (t) => {
  const DATA_DIR = await temporaryDir(t);
  for (const word of ['1', 'true', 'ON', 'Yes'])
    assert.equal(loadSettings({ env: { DATA_DIR, GPU_DISABLE: word } }).gpuDisable, true);
  for (const word of ['0', 'false', 'OFF', 'No'])
    assert.equal(loadSettings({ env: { DATA_DIR, METRICS_DEFAULT_METRICS: word } }).metricsDefaults, false);
  assert.throws(() => loadSettings({ env: { DATA_DIR, GPU_DISABLE: '2' } }), /GPU_DISABLE/);
});

test('the enforcement mode falls back to on for any unknown word', async (t) => {
  const DATA_DIR = await temporaryDir(t);
  for (const [word, mode] of Object.entries({ off: 'off', LOG: 'log', on: 'on', '': 'on', junk: 'on' })) {
    assert.equal(loadSettings({ env: { DATA_DIR, STREAMHUB_AUTHZ_ENFORCE: word } }).authzEnforce, mode);
  }
});

test('whole numbers have limits, with the rules for zero and below', async (t) => {
  const DATA_DIR = await temporaryDir(t);
  assert.equal(loadSettings({ env: { DATA_DIR, LOG_RETENTION_DAYS: '-3' } }).logRetentionDays, 0);
  assert.equal(loadSettings({ env: { DATA_DIR, AUTH_RATE_LIMIT_MAX: '0' } }).authRateLimitMax, 10);
  for (const text of ['65536', '-1', '1.5', '0x10', ' '])
    assert.throws(() => loadSettings({ env: { DATA_DIR, PORT: text } }), SettingsError);
});

test('addresses, ranges and the first token have a form; what is wrong is named and never quoted', async (t) => {
  const DATA_DIR = await temporaryDir(t);
  const wrong = {
    PUBLIC_BASE_URL: 'stream.example.com',
    STREAMHUB_APP_URL: 'javascript:alert(1)',
    PUBLIC_WS_URL: 'https://media.example.com',
    LIVEKIT_URL: 'livekit:7880',
    REDIS_URL: 'localhost:6379',
    STREAMHUB_CLUSTER_REDIS_URL: 'http://:hidden-word@10.0.0.1',
    STREAMHUB_TRUSTED_PROXIES: '10.0.0.0/8, 10.0.0.300',
    STREAMHUB_API_TOKEN: 'sk_hidden-word',
  };
  assert.throws(
    () => loadSettings({ env: { DATA_DIR, ...wrong } }),
    (error: SettingsError) => {
      assert.equal(error.problems.length, Object.keys(wrong).length);
      for (const name of Object.keys(wrong)) assert.ok(error.message.includes(`environment variable ${name} must`));
      assert.match(error.message, /TRUSTED_PROXIES must list addresses and CIDR ranges; entry 2 is neither/);
      assert.doesNotMatch(error.message, /hidden-word|example\.com|javascript/);
      return true;
    },
  );
  const right = {
    PUBLIC_BASE_URL: 'https://stream.example.com/hub/',
    LIVEKIT_URL: 'http://10.0.0.1:7880',
    REDIS_URL: 'rediss://:pass@redis:6379/0',
    STREAMHUB_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1',
    STREAMHUB_API_TOKEN: `sk_${'a'.repeat(43)}`,
  };
  assert.deepEqual(loadSettings({ env: { DATA_DIR, ...right } }).trustedProxies, ['10.0.0.0/8', '2001:db8::1']);
});

test('the default place is the user’s state folder', {
  skip: process.platform !== 'linux' ? 'tests the Linux rule' : false,
}, () => {
  assert.equal(defaultDataDir({ HOME: '/home/ana' }), '/home/ana/.local/state/streamhub');
  assert.equal(defaultDataDir({ HOME: '/home/ana', XDG_STATE_HOME: '/state' }), '/state/streamhub');
});

test('one resolver for the public base: PUBLIC_BASE_URL first, no slash at the end', async (t) => {
  const DATA_DIR = await temporaryDir(t);
  const base = (env: Record<string, string>): string | null => publicBase(loadSettings({ env: { DATA_DIR, ...env } }));
  assert.equal(base({}), null);
  assert.equal(base({ STREAMHUB_PUBLIC_URL: 'https://b.example/' }), 'https://b.example');
  assert.equal(
    base({ PUBLIC_BASE_URL: 'https://a.example', STREAMHUB_PUBLIC_URL: 'https://b.example' }),
    'https://a.example',
  );
});
