import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { Secret, TOTP } from 'otpauth';
import { CONSOLE_HEADER } from '#shared/browser-session.ts';
import { type Answer, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, MANY_ATTEMPTS, PASSWORD, type Person, signIn } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

/** What the console adds to its requests. */
const OURS = { [CONSOLE_HEADER]: '1' };

type Headers = Record<string, string>;

/** What a browser does with the cookies of one host. */
class Browser {
  readonly daemon: TestDaemon;
  readonly jar = new Map<string, string>();
  lastSet = '';
  constructor(daemon: TestDaemon) {
    this.daemon = daemon;
  }
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  async call(method: string, url: string, body?: unknown, headers: Headers = OURS): Promise<Answer> {
    const sent = { ...(this.jar.size > 0 ? { cookie: this.cookie } : {}), ...headers };
    const answer = await this.daemon.api.as(null).call(method, url, body, sent);
    for (const line of answer.headers.getSetCookie()) {
      this.lastSet = line;
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }
  async signIn(user: string, more: Record<string, unknown> = {}, headers: Headers = OURS): Promise<Answer> {
    return await this.call('POST', '/auth/login', { user, password: PASSWORD, cookie: 'session', ...more }, headers);
  }
  me = async (): Promise<number> => (await this.call('GET', '/auth/me')).status;
}

describe('the session cookie of a browser', () => {
  const steps: (() => unknown)[] = [];
  const t = { after: (step: () => unknown) => void steps.push(step) };
  after(async () => {
    for (const step of steps.reverse()) await step();
  });
  let daemon: TestDaemon;
  let root: Person;
  before(async () => {
    daemon = await testDaemon(t, { ...MANY_ATTEMPTS, LOG_LEVEL: 'debug' });
    root = await firstAdmin(daemon);
  });
  const signedIn = async (user = 'root@example.com', more = {}): Promise<Browser> => {
    const browser = new Browser(daemon);
    assert.equal((await browser.signIn(user, more)).status, 200);
    return browser;
  };

  test('is out of reach of pages, holds no token, and is all that the answer gives', async () => {
    const browser = new Browser(daemon);
    const answer = await browser.signIn('root@example.com');
    assert.deepEqual(Object.keys(answer.body.data), ['expiresAt']);
    assert.match(browser.lastSet, /^streamhub-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(await browser.me(), 200);
    const value = [...browser.jar.values()][0] as string;
    assert.equal((await daemon.api.as(value).get('/auth/me')).status, 401, 'it is no Bearer token');
    const kept = new Browser(daemon);
    await kept.signIn('root@example.com', { cookie: 'keep' });
    assert.match(kept.lastSet, /; Max-Age=2592000$/);
    assert.equal((await kept.call('GET', '/auth/config')).body.data.sessionDays, 30);
    const program = await daemon.api.as(null).post('/auth/login', { user: 'root@example.com', password: PASSWORD });
    assert.ok(program.body.data.token, 'programs get their token as before');
    assert.deepEqual(program.headers.getSetCookie(), []);
  });

  test('is not used for requests that a page of another site makes', async () => {
    const browser = await signedIn();
    const body = { name: 'stolen', scope: 'global' };
    const status = async (method: string, url: string, headers: Headers): Promise<unknown> => {
      const answer = await browser.call(method, url, method === 'GET' ? undefined : body, headers);
      return answer.status === 403 ? answer.body.code : answer.status;
    };
    const host = new URL(daemon.url).host;
    for (const [headers, what] of [
      [{}, 'no proof'],
      [{ origin: 'https://evil.example' }, 'another origin'],
      [{ origin: 'null' }, 'a frame without an origin'],
      [{ origin: `http://127.0.0.1:1` }, 'another port of this host'],
      [{ 'sec-fetch-site': 'cross-site' }, 'another site'],
      [{ 'sec-fetch-site': 'same-site' }, 'another port or host of this site'],
      [{ 'sec-fetch-site': 'same-site', ...OURS }, 'another port, with the header'],
      [{ 'sec-fetch-site': 'none' }, 'a typed address can’t change anything'],
      [{ 'sec-fetch-site': 'cross-site', origin: `http://${host}` }, 'two stories'],
      [{ 'content-type': 'text/plain' }, 'a form'],
    ] as const) {
      assert.equal(await status('POST', '/tokens', headers), 'CROSS_SITE', what);
      assert.equal(await status('DELETE', '/auth/sessions', headers), 'CROSS_SITE', what);
      assert.equal(await status('POST', '/auth/sign-out', headers), 'CROSS_SITE', what);
      const stream = await status('GET', '/events', headers);
      assert.equal(stream, 'CROSS_SITE', `event stream: ${what}`);
    }
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }] as Headers[])
      assert.equal(await status('GET', '/apps', headers), 'CROSS_SITE', 'reading neither');
    for (const headers of [OURS, { 'sec-fetch-site': 'same-origin' }, { origin: `http://${host}` }] as Headers[])
      assert.equal(await status('POST', '/tokens', headers), 201, JSON.stringify(headers));
    for (const headers of [{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }] as Headers[])
      assert.equal(await status('GET', '/apps', headers), 200, 'a link or a download');
    const other = await browser.call('GET', '/apps', undefined, { ...OURS, authorization: 'Bearer sk_wrong' });
    assert.equal(other.status, 401, 'a program’s credential goes first');
    const asked = await browser.call('OPTIONS', '/tokens', undefined, {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': CONSOLE_HEADER,
    });
    assert.equal(asked.headers.get('access-control-allow-headers'), null, 'no page is allowed to send the header');
  });

  test('is given to the daemon’s own pages only, new with every sign-in', async () => {
    const browser = new Browser(daemon);
    for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }] as Headers[])
      assert.equal((await browser.signIn('root@example.com', {}, headers)).body.code, 'CROSS_SITE');
    const forced = { ...OURS, authorization: `Bearer ${daemon.token}`, 'sec-fetch-site': 'cross-site' };
    assert.equal((await browser.call('POST', '/auth/browser-session', {}, forced)).body.code, 'CROSS_SITE');
    assert.equal(browser.jar.size, 0);
    // a value that an attacker planted before the sign-in isn’t valid after it
    const name = [...(await signedIn()).jar.keys()][0] as string;
    const planted = 'p'.repeat(43);
    browser.jar.set(name, planted);
    assert.equal(await browser.me(), 401);
    await browser.signIn('root@example.com');
    assert.notEqual(browser.jar.get(name), planted);
    const first = new Browser(daemon);
    first.jar.set(name, browser.jar.get(name) as string);
    await browser.signIn('root@example.com');
    assert.equal(await first.me(), 401, 'the session before ended with the new sign-in');
    assert.equal(await browser.me(), 200);
  });

  test('ends with the sign-out, at once, and can’t be used again', async () => {
    const browser = await signedIn();
    const stolen = new Browser(daemon);
    for (const [name, value] of browser.jar) stolen.jar.set(name, value);
    assert.equal(await stolen.me(), 200);
    const out = await browser.call('POST', '/auth/sign-out');
    assert.deepEqual([out.status, out.body.data.revoked, browser.jar.size], [200, 1, 0]);
    assert.equal(await stolen.me(), 401);
    assert.equal((await stolen.call('POST', '/auth/sign-out')).status, 200, 'signing out twice is no failure');
    const current = await signedIn();
    assert.equal((await current.call('DELETE', '/auth/sessions/current')).body.data.current, true);
    assert.equal(current.jar.size, 0);
  });

  test('is listed with its device and ended from another, with its event stream', async () => {
    const person = await join(daemon, root.api, 'devices@example.com', 'viewer');
    const browser = await signedIn(person.email, { cookie: 'keep' });
    const list = (await person.api.get('/auth/sessions')).body.data;
    const [mine] = list.filter((one: any) => one.isBrowser);
    assert.deepEqual([mine.isKept, mine.current, typeof mine.lastSeen], [true, false, 'string']);
    assert.ok(Date.parse(mine.expiresAt) > Date.now() + 29 * 86_400_000);
    assert.equal((await browser.call('GET', '/auth/sessions')).body.data.find((one: any) => one.current).id, mine.id);
    let ended = '';
    const request = http.get(`${daemon.url}/api/v1/events`, { headers: { cookie: browser.cookie, ...OURS } }, (res) => {
      res.on('data', (chunk: Buffer) => {
        ended += chunk;
      });
    });
    await until('the stream is open', () => ended.includes('event: hello'));
    await person.api.delete(`/auth/sessions/${mine.id}`);
    assert.equal(await browser.me(), 401);
    await until('the stream ends', () => ended.includes('revoked'));
    request.destroy();
  });

  test('ends with another password, two-factor takes its part, and a deleted person is out at once', async () => {
    const person = await join(daemon, root.api, 'changing@example.com', 'viewer');
    const [here, there] = [await signedIn(person.email), await signedIn(person.email, { cookie: 'keep' })];
    const newPassword = 'another horse battery';
    const changed = await here.call('POST', '/account/password', { currentPassword: PASSWORD, newPassword });
    assert.equal(changed.status, 200);
    assert.deepEqual([await here.me(), await there.me()], [200, 401]);
    const { secret } = (await here.call('POST', '/account/2fa/setup')).body.data;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const code = totp.generate({ timestamp: Date.now() - 30_000 });
    assert.equal((await here.call('POST', '/account/2fa/enable', { code })).status, 200);
    const asked = await there.signIn(person.email, { password: newPassword });
    assert.deepEqual([asked.body.code, there.jar.size], ['TOTP_REQUIRED', 1]);
    assert.equal(await there.me(), 401, 'half a sign-in opens nothing');
    await there.signIn(person.email, { password: newPassword, code: totp.generate() });
    assert.equal(await there.me(), 200);
    assert.equal((await daemon.api.delete(`/users/${person.id}`)).status, 200);
    assert.deepEqual([await here.me(), await there.me()], [401, 401]);
  });

  test('of an API token has the rights of the token, for as long as it has them', async (t) => {
    const { body: made } = await daemon.api.post('/tokens', { name: 'console', scope: 'global' });
    const browser = new Browser(daemon);
    const answer = await browser.call(
      'POST',
      '/auth/browser-session',
      { keep: true },
      {
        ...OURS,
        authorization: `Bearer ${made.token}`,
      },
    );
    assert.equal(answer.status, 201);
    assert.ok(!answer.text.includes(made.token) && !browser.cookie.includes(made.token));
    const me = (await browser.call('GET', '/auth/me')).body.data;
    assert.deepEqual([me.userId, me.via], [`token:${made.id}`, 'api_token']);
    assert.equal((await browser.call('GET', '/auth/sessions')).status, 403, 'a person’s pages stay closed');
    // a script that opens sessions without end fills neither memory nor registry
    const many = daemon.api.as(made.token);
    for (let n = 0; n < 300; n += 1) assert.equal((await many.post('/auth/browser-session', {}, OURS)).status, 201);
    const db = new Database(path.join(daemon.dataDir, 'data/streamhub.db'), { readonly: true });
    t.after(() => db.close());
    const stored = db.prepare('SELECT count(*) FROM sessions WHERE token_id = ?').pluck().get(made.id);
    assert.equal(stored, 250);
    assert.equal(await browser.me(), 401, 'the one that was unused longest made room');
    await browser.call('POST', '/auth/browser-session', {}, { ...OURS, authorization: `Bearer ${made.token}` });
    assert.equal((await browser.call('POST', '/auth/browser-session', {})).body.code, 'BEARER_NEEDED');
    await daemon.api.delete(`/tokens/${made.id}`);
    assert.equal(await browser.me(), 401);
  });

  test('in place of a session token is not made newer or longer by that', async () => {
    const program = await signIn(daemon, 'root@example.com');
    const [before] = (await program.api.get('/auth/sessions')).body.data.filter((one: any) => one.current);
    const browser = new Browser(daemon);
    const bearer = { ...OURS, authorization: `Bearer ${program.api.token}` };
    assert.equal((await browser.call('POST', '/auth/browser-session', { keep: true }, bearer)).status, 201);
    assert.doesNotMatch(browser.lastSet, /Max-Age/);
    assert.equal((await program.api.get('/auth/me')).status, 401, 'the token ended');
    const [now] = (await browser.call('GET', '/auth/sessions')).body.data.filter((one: any) => one.current);
    assert.deepEqual([now.createdAt, now.expiresAt, now.isKept], [before.createdAt, before.expiresAt, false]);
  });

  test('appears in no log line, audit entry, event or file of the daemon', async () => {
    const browser = await signedIn('root@example.com', { cookie: 'keep' });
    await browser.call('POST', '/apps', { name: 'leaky' });
    await browser.call('POST', '/apps', { name: '' });
    await browser.call('GET', '/nowhere');
    const value = [...browser.jar.values()][0] as string;
    const told = [
      (await daemon.api.get('/audit?limit=500')).text,
      (await daemon.api.get('/logs?limit=500')).text,
      (await browser.call('GET', '/auth/sessions')).text,
    ];
    assert.match(told.join(), /auth\.login/);
    for (const text of told) assert.ok(!text.includes(value));
    await daemon.services.db.pragma('wal_checkpoint(TRUNCATE)');
    const files = (await readdir(daemon.dataDir, { recursive: true, withFileTypes: true })).filter((f) => f.isFile());
    for (const file of files) {
      const text = await readFile(path.join(file.parentPath, file.name), 'latin1').catch(() => '');
      assert.ok(!text.includes(value), file.name);
    }
  });

  test('outlives a restart; of another daemon on this host it is neither read nor replaced', async () => {
    const dataDir = await temporaryDir(t);
    const [first, other] = [await testDaemon(t, MANY_ATTEMPTS, { dataDir }), await testDaemon(t, MANY_ATTEMPTS)];
    await firstAdmin(first);
    await firstAdmin(other);
    const browser = new Browser(first);
    await browser.signIn('root@example.com', { cookie: 'keep' });
    const guest = new Browser(other);
    guest.jar.set(...([...browser.jar][0] as [string, string]));
    assert.equal(await guest.me(), 401);
    await guest.signIn('root@example.com');
    assert.equal(guest.jar.size, 2, 'both names are kept side by side');
    await first.stop();
    const again = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
    const back = new Browser(again);
    for (const [name, value] of guest.jar) back.jar.set(name, value);
    assert.equal(await back.me(), 200);
    assert.match(back.lastSet, /Max-Age=2592000/, 'and lasts from this use on');
  });
});

test('behind HTTPS the cookie is Secure and prefixed; X-Forwarded-Proto counts from trusted proxies only', async (t) => {
  const cookieOf = async (daemon: TestDaemon, headers: Record<string, string>): Promise<string> => {
    const browser = new Browser(daemon);
    const sent = { ...OURS, authorization: `Bearer ${daemon.token}`, ...headers };
    assert.equal((await browser.call('POST', '/auth/browser-session', {}, sent)).status, 201);
    // what the browser got is what it is known by later, when it says less
    assert.equal((await browser.call('GET', '/auth/me', undefined, OURS)).status, 200);
    return browser.lastSet;
  };
  const trusting = await testDaemon(t);
  assert.match(
    await cookieOf(trusting, { 'x-forwarded-proto': 'https' }),
    /^__Host-streamhub-\w+=.*; Path=\/; .*; Secure$/,
  );
  assert.match(await cookieOf(trusting, { origin: 'https://stream.example.com' }), /; Secure$/);
  const other = await testDaemon(t, {
    STREAMHUB_TRUSTED_PROXIES: '192.0.2.1',
    PUBLIC_BASE_URL: 'http://stream.example.com/hub',
  });
  const plain = await cookieOf(other, { 'x-forwarded-proto': 'https' });
  assert.match(plain, /^streamhub-\w+=.*; Path=\/hub; HttpOnly; SameSite=Strict$/);
  assert.match(
    await cookieOf(other, { origin: 'https://stream.example.com' }),
    /^__Secure-streamhub-.*Path=\/hub.*Secure$/,
  );
});
