import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import test from 'node:test';
import type { TestReport } from '#shared/ipc/connections.ts';
import { makeCertificate, tlsFront } from '../helpers/certificates.ts';
import { TEST_TOKEN, testDaemon } from '../helpers/daemon.ts';
import { muteServer } from '../helpers/proxies.ts';
import { codeOf, openApp, value } from './app.ts';

const token = { kind: 'token', token: TEST_TOKEN } as const;
const STEPS = ['resolve', 'reach', 'tls', 'version', 'sign-in', 'rights'];

const verdicts = ({ steps }: TestReport) => steps.map(({ status }) => status).join(' ');

function assertNumbered({ steps }: TestReport): void {
  assert.deepEqual(
    steps.map(({ number, id }) => [number, id]),
    STEPS.map((id, index) => [index + 1, id]),
  );
  for (const step of steps) {
    assert.ok(step.message.length > 5, step.id);
    if (step.status === 'failed') assert.ok((step.cure ?? '').length > 10, `${step.id} has no cure`);
  }
}

test('each step to a daemon is told as it is taken', async (t) => {
  const daemon = await testDaemon(t);
  const app = await openApp(t);
  const heard: number[] = [];
  app.page.connections.onTestStep(({ testId, step }) => heard.push(testId === 'one' ? step.number : -1));
  const report = await value(
    app.page.connections.test({ testId: 'one', target: { url: daemon.url, credential: token } }),
  );
  assertNumbered(report);
  assert.equal(verdicts(report), 'passed passed skipped passed passed passed');
  assert.deepEqual(heard, [1, 2, 3, 4, 5, 6]);
  assert.equal(report.ok, true);
  assert.equal(report.passwordSignIn, true);
  assert.equal(report.account?.scope, 'global');
  const bare = await value(app.page.connections.test({ target: { url: daemon.url } }));
  assert.equal(verdicts(bare), 'passed passed skipped passed skipped skipped');
  assert.equal((await value(app.page.connections.list())).connections.length, 0);
});

test('the failed step is named with its cure, and no later one is tried', async (t) => {
  const daemon = await testDaemon(t);
  const app = await openApp(t);
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const stranger = net
    .createServer((socket) => socket.on('error', () => {}).end('220 mail\r\n'))
    .listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  t.after(() => stranger.close());
  const other = (stranger.address() as AddressInfo).port;
  const cases: [string, object, string][] = [
    ['https://no-such-host.invalid', {}, 'failed skipped skipped skipped skipped skipped'],
    [`http://127.0.0.1:${port}`, {}, 'passed failed skipped skipped skipped skipped'],
    [daemon.url.replace('http:', 'https:'), {}, 'passed passed failed skipped skipped skipped'],
    [`http://127.0.0.1:${other}`, {}, 'passed passed skipped failed skipped skipped'],
    [daemon.url, { credential: { kind: 'token', token: 'sk_wrong' } }, 'passed passed skipped passed failed skipped'],
    [
      daemon.url,
      { credential: { kind: 'password', user: 'nobody', password: 'wrong' } },
      'passed passed skipped passed failed skipped',
    ],
  ];
  for (const [url, more, expected] of cases) {
    const report = await value(app.page.connections.test({ target: { url, credential: token, ...more } }));
    assertNumbered(report);
    assert.equal(verdicts(report), expected, url);
    assert.equal(report.ok, false);
    assert.equal(report.needsTrust, false);
  }
  assert.equal(await codeOf(app.page.connections.test({ target: { url: 'ftp://x' } })), 'BAD_URL');
});

test('an unknown certificate is shown; once accepted the test goes on', async (t) => {
  const daemon = await testDaemon(t);
  const certificate = await makeCertificate('mine');
  const front = await tlsFront(t, daemon.url, certificate);
  const app = await openApp(t);
  const target = { url: front.url, credential: token };
  const before = await value(app.page.connections.test({ target }));
  assert.equal(verdicts(before), 'passed passed failed skipped skipped skipped');
  assert.equal(before.needsTrust, true);
  assert.equal(before.certificate?.fingerprint, certificate.fingerprint);
  assert.ok(!front.received().includes('sk_'));
  const after = await value(app.page.connections.test({ target: { ...target, fingerprint: certificate.fingerprint } }));
  assert.equal(verdicts(after), 'passed passed passed passed passed passed');
});

test('a token of one app passes with a word of warning', async (t) => {
  const daemon = await testDaemon(t);
  const made = await daemon.api.post('/apps', { name: 'demo' });
  const { body } = await daemon.api.post('/tokens', { name: 'app', scope: 'app', appId: made.body.id });
  const app = await openApp(t);
  const credential = { kind: 'token', token: body.token } as const;
  const report = await value(app.page.connections.test({ target: { url: daemon.url, credential } }));
  assert.equal(verdicts(report), 'passed passed skipped passed passed warning');
  assert.equal(report.ok, true);
});

test('a password tried out leaves no session behind', async (t) => {
  const daemon = await testDaemon(t, { ADMIN_USER: 'root', ADMIN_PASS: 'correct horse battery' });
  const app = await openApp(t);
  const credential = { kind: 'password', user: 'root', password: 'correct horse battery' } as const;
  const report = await value(app.page.connections.test({ target: { url: daemon.url, credential } }));
  assert.equal(report.account?.via, 'admin_jwt');
  const login = await daemon.api.as(null).post('/auth/login', { user: 'root', password: 'correct horse battery' });
  const sessions = await daemon.api.as(login.body.data.token).get('/auth/sessions');
  assert.equal(sessions.body.data.length, 1);
});

test('a test that takes too long can be given up', async (t) => {
  const url = await muteServer(t);
  const app = await openApp(t);
  app.page.connections.onTestStep(({ step }) => {
    if (step.id === 'tls') void app.page.connections.stopTest({ testId: 'x' });
  });
  assert.equal(await codeOf(app.page.connections.test({ testId: 'x', target: { url } })), 'CANCELLED');
});

test('a connection is tested with the credential that it has', async (t) => {
  const daemon = await testDaemon(t);
  const app = await openApp(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential: token, keep: 'session' }));
  assert.equal((await value(app.page.connections.test({ target: { id } }))).ok, true);
  await value(app.page.connections.signOut({ id }));
  const report = await value(app.page.connections.test({ target: { id } }));
  assert.equal(verdicts(report), 'passed passed skipped passed failed skipped');
});
