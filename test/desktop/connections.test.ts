import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { Transport } from '#desktop/main/connections/transport.ts';
import { makeCertificate, tlsFront } from '../helpers/certificates.ts';
import { TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';
import { textsBelow } from '../helpers/files.ts';
import { type App, codeOf, openApp, value } from './app.ts';

const token = { kind: 'token', token: TEST_TOKEN } as const;
const ADMIN = { ADMIN_USER: 'root', ADMIN_PASS: 'correct horse battery' };

const add = (app: App, url: string, more: object = {}) =>
  value(app.page.connections.add({ url, credential: token, keep: 'session', ...more }));
const statusOf = (app: App, id: string) => app.core.connections.get(id).connection.state.status;
const online = (app: App, id: string) => app.until(() => statusOf(app, id) === 'online');

/** Everything that the app has written, as one text. */
const written = async (folder: string): Promise<string> =>
  (await textsBelow(folder)).map(({ text }) => text).join('\n');

test('daemons are added, renamed, recoloured, ordered, removed, and are there again after a restart', async (t) => {
  const [one, two] = [await testDaemon(t), await testDaemon(t)];
  const app = await openApp(t);
  const first = await add(app, one.url, { name: 'Paris' });
  const second = await add(app, two.url, { colour: 'teal' });
  assert.equal(second.name, new URL(two.url).host);
  assert.notEqual(first.colour, second.colour);
  await online(app, first.id);
  await online(app, second.id);
  assert.equal(
    await codeOf(app.page.connections.add({ url: `${one.url}/`, credential: token, keep: 'session' })),
    'CONNECTION_EXISTS',
  );

  await value(app.page.connections.update({ id: first.id, name: 'Studio Paris', colour: '#123456' }));
  assert.equal(await codeOf(app.page.connections.reorder({ ids: [first.id] })), 'BAD_CALL');
  assert.equal(await codeOf(app.page.connections.reorder({ ids: [first.id, first.id] })), 'BAD_CALL');
  await value(app.page.connections.reorder({ ids: [second.id, first.id] }));
  await app.until(() => app.core.connections.snapshot(first.id) !== null);
  await app.stop();

  const again = await openApp(t, { userData: app.userData });
  const { connections, problem } = await value(again.page.connections.list());
  assert.equal(problem, null);
  assert.deepEqual(
    connections.map(({ id, name, colour, url }) => [id, name, colour, url]),
    [
      [second.id, second.name, 'teal', two.url],
      [first.id, 'Studio Paris', '#123456', one.url],
    ],
  );
  // the picture of last time is there with its age, before anything answers
  assert.ok(connections[1]?.state.lastSeenAt);
  assert.match(connections[1]?.state.version ?? '', /^\d+\./);
  assert.ok((await value(again.page.connections.snapshot({ id: first.id })))?.stats);
  // the credential was for the session only
  await again.until(() => statusOf(again, first.id) === 'signed-out');
  assert.equal(connections[1]?.credential.kept, 'none');
  await value(again.page.connections.signIn({ id: first.id, credential: token, keep: 'session' }));
  await online(again, first.id);

  await value(again.page.connections.remove({ id: first.id }));
  assert.equal(await codeOf(again.page.connections.retry({ id: first.id })), 'UNKNOWN_CONNECTION');
  assert.equal((await value(again.page.connections.list())).connections.length, 1);
});

test('no credential is ever written to a file, told to a page, or in a report', async (t) => {
  const daemon = await testDaemon(t, ADMIN);
  const app = await openApp(t);
  const byToken = await add(app, daemon.url);
  await online(app, byToken.id);
  await value(app.page.connections.remove({ id: byToken.id }));
  const credential = { kind: 'password', user: 'root', password: ADMIN.ADMIN_PASS } as const;
  const byPassword = await add(app, daemon.url, { credential });
  await online(app, byPassword.id);
  const secret = await app.core.connections.get(byPassword.id).secret();
  const told = JSON.stringify([
    app.pushes,
    await value(app.page.connections.list()),
    await value(app.page.desktop.report()),
  ]);
  await app.stop();
  for (const secretText of [TEST_TOKEN, ADMIN.ADMIN_PASS, secret?.token ?? 'none']) {
    assert.ok(!told.includes(secretText));
    assert.ok(!(await written(app.userData)).includes(secretText));
  }
});

test('a file that cannot be read is put aside and told, and the app goes on', async (t) => {
  const userData = await temporaryDir(t);
  await writeFile(path.join(userData, 'connections.json'), '{"version":1,"data":{"connections":[{"id":');
  const app = await openApp(t, { userData });
  const { connections, problem } = await value(app.page.connections.list());
  assert.deepEqual(connections, []);
  assert.match(problem?.message ?? '', /set aside/);
  assert.equal(await readFile(problem?.keptAs ?? '', 'utf8'), '{"version":1,"data":{"connections":[{"id":');
  const daemon = await testDaemon(t);
  await add(app, daemon.url);
});

test('a password opens a session, and an ended session is renewed without a word', async (t) => {
  const daemon = await testDaemon(t, ADMIN);
  const app = await openApp(t);
  const wrong = { kind: 'password', user: 'root', password: 'wrong' } as const;
  assert.equal(
    await codeOf(app.page.connections.add({ url: daemon.url, credential: wrong, keep: 'session' })),
    'SIGN_IN_FAILED',
  );
  assert.equal((await value(app.page.connections.list())).connections.length, 0);

  const credential = { kind: 'password', user: 'root', password: ADMIN.ADMIN_PASS } as const;
  const { id, credential: shown } = await add(app, daemon.url, { credential });
  assert.deepEqual(shown, { kind: 'password', user: 'root', kept: 'session' });
  await online(app, id);
  assert.equal(app.core.connections.get(id).connection.state.account?.via, 'admin_jwt');

  const before = (await app.core.connections.get(id).secret())?.token ?? '';
  const ended = await daemon.api.as(before).delete('/auth/sessions/current');
  assert.equal(ended.status, 200);
  const answer = await value(app.page.http.request({ connectionId: id, method: 'GET', path: '/api/v1/auth/me' }));
  assert.equal(answer.status, 200);
  assert.notEqual((await app.core.connections.get(id).secret())?.token, before);

  const session = (await app.core.connections.get(id).secret())?.token ?? '';
  await value(app.page.connections.signOut({ id }));
  assert.equal((await daemon.api.as(session).get('/auth/me')).status, 401);
  await app.until(() => statusOf(app, id) === 'signed-out');
});

test('a second factor is asked for and given in place', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_ALLOW_SIGNUP: 'true' });
  const person = { email: 'ana@example.com', password: 'correct horse battery' };
  const signed = await daemon.api.as(null).post('/auth/signup', person);
  const ana = daemon.api.as(signed.body.data.token);
  const { secret } = (await ana.post('/account/2fa/setup')).body.data;
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  const enabled = await ana.post('/account/2fa/enable', { code: totp.generate() });
  assert.equal(enabled.status, 200, enabled.text);

  const app = await openApp(t);
  const credential = { kind: 'password', user: person.email, password: person.password } as const;
  const wanted = { url: daemon.url, credential, keep: 'session' } as const;
  assert.equal(await codeOf(app.page.connections.add(wanted)), 'SECOND_FACTOR_REQUIRED');
  assert.equal(
    await codeOf(app.page.connections.add({ ...wanted, credential: { ...credential, code: '000000' } })),
    'SECOND_FACTOR_INVALID',
  );
  const code = enabled.body.data.recoveryCodes[0] as string;
  const { id } = await value(app.page.connections.add({ ...wanted, credential: { ...credential, code } }));
  await online(app, id);

  // the session ends: the kept password alone no longer does, a code does
  const ended = (await app.core.connections.get(id).secret())?.token ?? '';
  await daemon.api.as(ended).delete('/auth/sessions/current');
  assert.equal(
    await codeOf(app.page.http.request({ connectionId: id, method: 'GET', path: '/api/v1/apps' })),
    'SECOND_FACTOR_REQUIRED',
  );
  await app.until(() => statusOf(app, id) === 'signed-out');
  const next = enabled.body.data.recoveryCodes[1] as string;
  await value(app.page.connections.signIn({ id, credential: { kind: 'code', code: next }, keep: 'session' }));
  await online(app, id);
});

test('a link is exchanged for a session that the page never sees', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_ALLOW_SIGNUP: 'true' });
  const app = await openApp(t);
  const credential = {
    kind: 'exchange',
    path: '/api/v1/auth/signup',
    body: { email: 'ana@example.com', password: 'correct horse battery' },
  } as const;
  const { id, credential: shown } = await add(app, daemon.url, { credential });
  assert.equal(shown.kind, 'session');
  await online(app, id);
  assert.equal(app.core.connections.get(id).connection.state.account?.email, 'ana@example.com');
  const token = (await app.core.connections.get(id).secret())?.token ?? 'none';
  assert.ok(!JSON.stringify(app.pushes).includes(token));
  const refused = await app.page.connections.signIn({ id, credential: { ...credential, body: {} }, keep: 'session' });
  assert.ok(!refused.ok && refused.error.code === 'SIGN_IN_FAILED');
  assert.ok(Array.isArray((refused.error.details as { fields?: unknown } | undefined)?.fields));
});

test('a certificate is pinned on first use, and its change needs a person', async (t) => {
  const daemon = await testDaemon(t);
  const mine = await makeCertificate('mine');
  const front = await tlsFront(t, daemon.url, mine);
  const app = await openApp(t);
  const { id } = await add(app, front.url, { fingerprint: mine.fingerprint });
  await online(app, id);
  const other = await makeCertificate('mine');
  front.use(other);
  app.core.connections.get(id).connection.retry();
  const state = () => app.core.connections.get(id).connection.state;
  await app.until(() => state().error?.code === 'TLS_CHANGED' || state().status === 'online');
  await app.core.connections.get(id).connection.reroute(new Transport({ base: front.url, pinned: mine.fingerprint }));
  await app.until(() => state().status === 'untrusted');
  assert.equal(state().certificate?.fingerprint, other.fingerprint);
  const trusted = await value(app.page.connections.trust({ id, fingerprint: other.fingerprint }));
  assert.equal(trusted.pinned?.fingerprint, other.fingerprint);
  await online(app, id);
});
