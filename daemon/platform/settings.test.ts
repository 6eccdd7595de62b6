import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { defaultDataDir, loadSettings, publicBase } from './settings.ts';
import { SettingsError } from './settings-error.ts';

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
    RTMP_PUBLIC_HOST: 'rtmp://in.example.com/live',
    STREAMHUB_SMTP_HOST: 'mail.example.com:587',
    STREAMHUB_SMTP_FROM: 'hidden-word',
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
  for (const address of [
    'redis://:pa%ss-hidden@10.0.0.1:6379',
    'redis://:hidden-%ff@10.0.0.1',
    'redis:///0',
    'redis:6379',
  ])
    for (const name of ['REDIS_URL', 'STREAMHUB_CLUSTER_REDIS_URL'])
      assert.throws(
        () => loadSettings({ env: { DATA_DIR, [name]: address } }),
        (error: Error) => error.message.includes(`${name} must`) && !error.message.includes('hidden'),
      );
  const right = {
    PUBLIC_BASE_URL: 'https://stream.example.com/hub/',
    LIVEKIT_URL: 'http://10.0.0.1:7880',
    REDIS_URL: 'rediss://:pa%25ss@redis:6379/0',
    STREAMHUB_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1',
    STREAMHUB_API_TOKEN: `sk_${'a'.repeat(43)}`,
    STREAMHUB_SMTP_HOST: '2001:db8::1',
    STREAMHUB_SMTP_FROM: 'Studio TV <tv@example.com>',
  };
  assert.deepEqual(loadSettings({ env: { DATA_DIR, ...right } }).trustedProxies, ['10.0.0.0/8', '2001:db8::1']);
  const hostOf = (text: string) => loadSettings({ env: { DATA_DIR, RTMP_PUBLIC_HOST: text } }).rtmpPublicHost;
  for (const text of ['in.example.com', 'in.example.com:1936', '192.0.2.1', '2001:db8::1', '[2001:db8::1]:1936', ''])
    assert.equal(hostOf(text), text);
  for (const text of ['in example.com', 'in.example.com/live', 'in.example.com:', 'me@in.example.com', '[::1'])
    assert.throws(() => hostOf(text), /RTMP_PUBLIC_HOST must be a host name or an IP address/, text);
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

/** Loads an env file that only its owner can read; also gives the warnings by subject or code. */
async function loadFile(
  t: { after(fn: () => unknown): void },
  content: string | Buffer,
  env: Record<string, string> = {},
) {
  const DATA_DIR = await temporaryDir(t);
  const file = path.join(DATA_DIR, 'streamhub.env');
  writeFileSync(file, content, { mode: 0o600 });
  const load = () => loadSettings({ env: { DATA_DIR, ...env } });
  const messages = (code: string) =>
    load()
      .warnings.filter((warning) => warning.code === code)
      .map(({ message }) => message)
      .sort();
  return { file, load, messages };
}

test('a byte order mark does not hide the first variable', async (t) => {
  // also that of a second file, which was appended
  const { load } = await loadFile(t, '\ufeff\ufeffPORT=4444\n\ufeffHOST=10.0.0.1\n');
  assert.deepEqual([load().port, load().host, load().warnings], [4444, '10.0.0.1', []]);
});

test('a UTF-16 file is refused, with its name and what to do', async (t) => {
  const little = Buffer.from('\ufeffPORT=4444\n', 'utf16le');
  for (const bytes of [little, Buffer.from(little).swap16(), little.subarray(2)]) {
    const { file, load } = await loadFile(t, bytes);
    assert.throws(load, (error: SettingsError) => {
      assert.match(error.message, /save it as UTF-8/);
      assert.ok(error.message.includes(file));
      return true;
    });
  }
});

test('lines end as on any system; bytes of another encoding are named without the value', async (t) => {
  const old = await loadFile(t, 'PORT=4444\rHOST=10.0.0.1\rADMIN_USER=root\r');
  assert.deepEqual([old.load().port, old.load().host, old.load().warnings], [4444, '10.0.0.1', []]);
  const latin = await loadFile(t, Buffer.from('# für alle\nPORT=4444\nADMIN_PASS=gehe\u00efm\n', 'latin1'));
  assert.equal(latin.load().port, 4444);
  assert.match(latin.messages('ENV_FILE_LINE').join(), /line 3: ADMIN_PASS contains bytes that are not UTF-8/);
  assert.doesNotMatch(JSON.stringify(latin.load().warnings), /gehe/);
});

test('misspelt names are named with the nearest setting, in the file and the environment', async (t) => {
  const { messages } = await loadFile(
    t,
    'STREAMHUB_JWT_SECRT=hidden-word\nADMIN_PASSWORD=hidden-word\nSMTP_HOST=mail\nPROT=1\nHTTPS_PROXY=http://p\nAPP_LIVE_S3_KEY=hidden-word\nNODE_OPTIONS=x\n',
    {
      LIVEKIT_API_SECRETS: 'hidden-word',
      LOG_LEVLE: 'info',
      STREAMHUB_ENV_FILE: '',
      STREAMHUB_TOKEN: 'x',
      STREAMHUB_BACKUP_PASSPHRASE: 'x',
      STREAMHUB_BACKUP_SECRET: 'x',
      STREAMHUB_SERVICE_HOST: '10.0.0.1',
      LIVEKIT_PORT_7880_TCP_ADDR: '10.0.0.1',
      NODE_OPTIONS: '',
      SYSTEMD_EXEC_PID: '1',
      PATH: '/bin',
    },
  );
  const found = messages('UNKNOWN_SETTING');
  assert.deepEqual(
    found.map((message) => [message.split(' ', 1)[0], /mean (\w+)\?$/.exec(message)?.[1]]),
    [
      ['ADMIN_PASSWORD', 'ADMIN_PASS'],
      ['LIVEKIT_API_SECRETS', 'LIVEKIT_API_SECRET'],
      ['LOG_LEVLE', 'LOG_LEVEL'],
      ['PROT', 'PORT'],
      ['SMTP_HOST', 'STREAMHUB_SMTP_HOST'],
      ['STREAMHUB_JWT_SECRT', 'STREAMHUB_JWT_SECRET'],
    ],
  );
  assert.doesNotMatch(found.join(), /hidden-word/);
});

test('lines that may not mean what they say are named', async (t) => {
  const { load, messages } = await loadFile(
    t,
    'PORT=1\r\n\r\n# a comment\r\nexport HOST=10.0.0.1\nPORT=2\nhidden-word\nADMIN_USER="a\nLOG_LEVEL=warn\nb"\nGPU_DISABLE=1 # c\n',
  );
  assert.deepEqual([load().port, load().host, load().logLevel], [2, '10.0.0.1', 'info']);
  const found = messages('ENV_FILE_LINE').map((message) => message.replace(/^.*, (?=line)/, ''));
  assert.deepEqual(found, [
    'line 4 begins with export. StreamHub accepts HOST, but systemd and Docker don’t.',
    'line 5 sets PORT again. Line 1 has no effect.',
    'line 6 has no = and is ignored. Write NAME=value, or # in front of a comment.',
    'line 7: the value of ADMIN_USER continues to line 9, because its quote ends there.',
  ]);
});

test('what a line loses is named, and what stands before its = is not quoted', async (t) => {
  const { messages } = await loadFile(
    t,
    [
      'ADMIN_PASS=hidden#word',
      'METRICS_TOKEN=#hidden',
      'LIVEKIT_API_SECRET="hid"den',
      'STREAMHUB_SMTP_PASS="hid\\nden"',
      'STREAMHUB_JWT_SECRET: hidden-word=',
      'set STREAMHUB_CLUSTER_TOKEN=hidden-word',
      '\u00a0GPU_DISABLE=1',
      'ADMIN_USER=me # "fine"',
      'HOST= # also fine',
      `LOG_LEVEL='warn' # fine too`,
    ].join('\n'),
  );
  const found = messages('ENV_FILE_LINE').map((message) => message.replace(/^.*, line /, ''));
  assert.deepEqual(
    found.map((message) =>
      /^(\d)(?:.* (first #|second "|\\n in double)|(?= does not begin with a name))/.exec(message)?.slice(1),
    ),
    [
      ['1', 'first #'],
      ['2', 'first #'],
      ['3', 'second "'],
      ['4', '\\n in double'],
      ...['5', '6', '7'].map((at) => [at, undefined]),
    ],
    found.join('\n'),
  );
  assert.doesNotMatch(JSON.stringify([found, messages('UNKNOWN_SETTING')]), /hid/);
});

test('misspelt names of apps’ secrets are named, and names of other programs in the environment are not', async (t) => {
  const { messages } = await loadFile(
    t,
    `APP_MY_TV_S3_SECERT_KEY=x\napp_live_s3_key=x\nAPP_LIVE_S3_KEY_ROLE=x\nAPP_LIVE_S3_KEY__0123456789abcdef=x\nAPP_A-B_CALLBACK_SECRET=x\n`,
    { APP_LIVE_MQTT_PASWORD: 'x', APP_ENV: 'x', APP_KEY: 'x', APP_SECRET: 'x', APP_DB_PASSWORD: 'x' },
  );
  assert.deepEqual(
    messages('UNKNOWN_SETTING').map((message) => [message.split(' ', 1)[0], /mean (\w+)\?$/.exec(message)?.[1]]),
    [
      ['APP_A-B_CALLBACK_SECRET', 'APP_A_B_CALLBACK_SECRET'],
      ['APP_LIVE_MQTT_PASWORD', 'APP_LIVE_MQTT_PASSWORD'],
      ['APP_MY_TV_S3_SECERT_KEY', 'APP_MY_TV_S3_SECRET'],
      ['app_live_s3_key', 'APP_LIVE_S3_KEY'],
    ],
  );
});

test('a key that is no secret is read without blanks, and quotes around it are named', async (t) => {
  const { load, messages } = await loadFile(t, '', { LIVEKIT_API_KEY: '"key" ', STREAMHUB_SMTP_FROM: '"TV" <a@b.c>' });
  assert.equal(load().livekitApiKey, '"key"');
  assert.match(messages('SECRET_LEFT_OVER').join('|'), /^LIVEKIT_API_KEY begins or ends with a blank[^|]*$/);
  const quoted = await loadFile(t, '', { LIVEKIT_API_KEY: '"key"' });
  assert.match(quoted.messages('SECRET_LEFT_OVER').join('|'), /^LIVEKIT_API_KEY begins or ends with a quote[^|]*$/);
});

test('what is left around a secret is named, and left out only where nothing depends on it', async (t) => {
  const { load, messages } = await loadFile(
    t,
    'STREAMHUB_JWT_SECRET="hidden-word "\nADMIN_PASS=\'hidden-word\nSTREAMHUB_CLUSTER_TOKEN=hidden-word\u00a0\nAPP_LIVE_S3_KEY="hidden-word\t"\n',
    { METRICS_TOKEN: 'hidden-word\r', STREAMHUB_SMTP_PASS: '"hidden-word"', LIVEKIT_API_SECRET: 'a "word" inside' },
  );
  const { jwtSecret, adminPass, clusterToken, metricsToken, smtpPass, appSecrets } = load();
  assert.deepEqual(
    [jwtSecret, adminPass, clusterToken, metricsToken, smtpPass, appSecrets['APP_LIVE_S3_KEY']],
    ['hidden-word ', "'hidden-word", 'hidden-word', 'hidden-word', '"hidden-word"', 'hidden-word\t'],
  );
  const kept = 'It is part of the value. Delete it.';
  assert.deepEqual(messages('SECRET_LEFT_OVER'), [
    `ADMIN_PASS begins or ends with a quote. ${kept}`,
    `APP_LIVE_S3_KEY begins or ends with a tab or another space. ${kept}`,
    'METRICS_TOKEN begins or ends with a line end. StreamHub ignores it. Delete it.',
    'STREAMHUB_CLUSTER_TOKEN begins or ends with a no-break space. StreamHub ignores it. Delete it.',
    `STREAMHUB_JWT_SECRET begins or ends with a blank. ${kept}`,
    `STREAMHUB_SMTP_PASS begins or ends with a quote. ${kept}`,
  ]);
});

test('what is rarely meant inside of a secret is named, an app’s secret included', async (t) => {
  const { messages } = await loadFile(
    t,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder as an operator writes it
    'APP_LIVE_S3_SECRET=${S3_SECRET}\nAPP_LIVE_MQTT_PASSWORD=hidden\u200bword\nAPP_LIVE_S3_KEY=“hidden-word”\n',
  );
  const found = messages('ODD_SETTING');
  assert.deepEqual(
    found.map((message) => /^(\S+) .*(placeholder|zero-width|typographic)/.exec(message)?.slice(1).join(' ')),
    ['APP_LIVE_MQTT_PASSWORD zero-width', 'APP_LIVE_S3_KEY typographic', 'APP_LIVE_S3_SECRET placeholder'],
  );
  assert.doesNotMatch(found.join(), /hidden/);
});

test('an env file with secrets that others can read is named', {
  skip: process.platform === 'win32' ? 'no file modes' : false,
}, async (t) => {
  const secret = await loadFile(t, 'ADMIN_PASS=hidden-word\n');
  assert.deepEqual(secret.messages('ENV_FILE_READABLE'), []);
  chmodSync(secret.file, 0o640);
  assert.match(secret.messages('ENV_FILE_READABLE').join(), /chmod 600/);
  for (const [text, isWarned] of [
    ['REDIS_URL=redis://:hidden-word@127.0.0.1:6379\n', true],
    ['LIVEKIT_API_SECERT=hidden-word\nSTREAMHUB_SMTP_PASSWORD=hidden-word\n', true],
    ['PORT=1\nREDIS_URL=redis://127.0.0.1:6379\nTLS_CERT=/etc/a.pem\nTLS_KEY=/etc/b.pem\n', false],
  ] as const) {
    const other = await loadFile(t, text);
    chmodSync(other.file, 0o644);
    assert.equal(other.messages('ENV_FILE_READABLE').length, isWarned ? 1 : 0, text);
  }
});
