import assert from 'node:assert/strict';
import test from 'node:test';
import type { Connection, Snapshot } from '#shared/ipc/connections.ts';
import type { ShellCommand } from '#shared/ipc/desktop.ts';
import { findingsOf } from '#shared/rules/findings.ts';
import { problemsOf } from '#shared/rules/problems.ts';
import { Commands } from './commands.ts';
import { linkIn, readDeepLink } from './deep-link.ts';
import { type Level, overallHealth } from './health.ts';
import { applicationMenu, type MenuEntry, trayModel } from './menus.ts';
import { allowsPermission, CONTENT_SECURITY_POLICY, externalAddress, isOwnPage } from './security.ts';
import { boundsFor, type SavedWindow } from './window-bounds.ts';

test('only the app’s own pages are its own pages', () => {
  for (const own of ['app://streamhub/', 'app://streamhub/apps/live?x=1#y']) assert.ok(isOwnPage(own), own);
  for (const other of [
    'app://elsewhere/',
    'app://streamhub.evil/',
    'app://user@streamhub/',
    'https://streamhub/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,x',
    'about:blank',
    'http://localhost:5173/',
    'no address',
  ])
    assert.equal(isOwnPage(other), false, other);
  assert.ok(isOwnPage('http://localhost:5173/apps', 'http://localhost:5173'));
  assert.equal(isOwnPage('http://localhost:5174/', 'http://localhost:5173'), false);
});

test('permissions are denied, full screen for a video of the app’s own aside', () => {
  for (const permission of [
    'media',
    'geolocation',
    'notifications',
    'clipboard-read',
    'openExternal',
    'hid',
    'usb',
    'fileSystem',
    'display-capture',
  ])
    assert.equal(allowsPermission(permission, 'app://streamhub/'), false, permission);
  assert.equal(allowsPermission('fullscreen', 'app://streamhub/'), true);
  assert.equal(allowsPermission('fullscreen', 'https://evil.example/'), false);
});

test('only web and mail addresses leave the app', () => {
  assert.equal(externalAddress('https://livekit.io/docs'), 'https://livekit.io/docs');
  assert.equal(externalAddress('mailto:ana@example.com'), 'mailto:ana@example.com');
  for (const bad of [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'smb://host/x',
    'ms-msdt:/id',
    'https://a:b@host/',
    'app://streamhub/',
    '',
    'C:\\x.exe',
  ])
    assert.equal(externalAddress(bad), undefined, bad);
});

test('the policy allows no script but the app’s own', () => {
  assert.match(CONTENT_SECURITY_POLICY, /default-src 'none'/);
  assert.match(CONTENT_SECURITY_POLICY, /script-src 'self';/);
  assert.doesNotMatch(CONTENT_SECURITY_POLICY, /unsafe-eval|script-src[^;]*(unsafe|\*|http)/);
  assert.match(CONTENT_SECURITY_POLICY, /connect-src 'self'/);
});

test('a deep link opens a form and does nothing else', () => {
  assert.deepEqual(readDeepLink('streamhub://connect?url=studio.example.com'), {
    kind: 'add-connection',
    url: 'https://studio.example.com',
  });
  assert.deepEqual(readDeepLink('streamhub://connect'), { kind: 'add-connection', url: null });
  for (const bad of [
    'streamhub://connect?url=file:///etc/passwd',
    'streamhub://connect?url=https://a:b@host',
    'streamhub://open/apps/live/delete',
    'streamhub:connect?url=x',
    'https://connect?url=x',
    'streamhub://',
  ])
    assert.equal(readDeepLink(bad), undefined, bad);
  const token = readDeepLink('streamhub://connect?url=host.example&token=sk_x');
  assert.deepEqual(token, { kind: 'add-connection', url: 'https://host.example' });
  assert.deepEqual(linkIn(['/opt/app', '--flag', 'streamhub://connect?url=host.example']), token);
  assert.equal(linkIn(['/opt/app', '--url=streamhub://connect']), undefined);
});

test('the window opens where it was, on a screen that is there', () => {
  const screen = { x: 0, y: 0, width: 1920, height: 1080 };
  const right = { x: 1920, y: 0, width: 1280, height: 1024 };
  const saved: SavedWindow = { x: 2000, y: 100, width: 1000, height: 700, isMaximized: false, isFullScreen: false };
  assert.deepEqual(boundsFor(saved, [screen, right]), { x: 2000, y: 100, width: 1000, height: 700 });
  assert.deepEqual(boundsFor(saved, [screen]), { width: 1000, height: 700 });
  assert.deepEqual(boundsFor({ ...saved, x: 0, width: 4000, height: 3000 }, [screen]), {
    x: 0,
    y: 100,
    width: 1920,
    height: 1080,
  });
  assert.deepEqual(boundsFor({ ...saved, y: 1060 }, [screen, right]), { width: 1000, height: 700 });
  assert.deepEqual(boundsFor({ ...saved, x: 0, y: 0, width: 10, height: 10 }, [screen]), { width: 720, height: 480 });
  assert.deepEqual(boundsFor(null, [screen]), { width: 1280, height: 800 });
  assert.deepEqual(boundsFor(null, [{ x: 0, y: 0, width: 1024, height: 600 }]), { width: 1024, height: 600 });
  assert.deepEqual(boundsFor(saved, []), { width: 1000, height: 700 });
});

test('commands wait for the page and come in order', () => {
  const heard: unknown[] = [];
  const commands = new Commands((_channel, payload) => heard.push(payload));
  commands.send({ kind: 'palette' });
  commands.send({ kind: 'settings' });
  assert.deepEqual(commands.ready(), [{ kind: 'palette' }, { kind: 'settings' }]);
  commands.send({ kind: 'shortcuts' });
  commands.gone();
  commands.send({ kind: 'palette' });
  assert.deepEqual(heard, [{ kind: 'shortcuts' }]);
  assert.deepEqual(commands.ready(), [{ kind: 'palette' }]);
});

const connection = (id: string, status: Connection['state']['status']): Connection => ({
  id,
  name: `daemon ${id}`,
  url: 'http://127.0.0.1:1',
  colour: '#000000',
  kind: 'remote',
  credential: { kind: 'token', user: null, kept: 'keychain' },
  pinned: null,
  addedAt: '2026-01-01T00:00:00.000Z',
  state: {
    status,
    since: '2026-01-01T00:00:00.000Z',
    lastSeenAt: null,
    latencyMs: null,
    version: null,
    account: null,
    live: status === 'online',
    error: null,
    attempts: 0,
    nextTryAt: null,
    certificate: null,
  },
});

const AT = '2026-01-01T00:00:00.000Z';
const incident = (severity: string, more: object = {}) => ({
  id: 1,
  rule: 'node-away',
  condition: 'node-away',
  subject: { kind: 'node', id: 'n', name: 'edge-1' },
  severity,
  text: 'Node edge-1 isn’t reporting',
  openedAt: AT,
  recoveringSince: null,
  acknowledgedAt: null,
  silencedUntil: null,
  cause: null,
  ...more,
});
const picture = (incidents: unknown): Snapshot => ({ at: AT, stats: {}, nodes: null, incidents });

test('the worst comes first, and incidents of a healthy daemon count', () => {
  const overall = overallHealth(
    [connection('a', 'online'), connection('b', 'online'), connection('c', 'offline'), connection('d', 'signed-out')],
    (id) => (id === 'b' ? picture([incident('warning')]) : null),
  );
  assert.equal(overall.level, 'trouble');
  assert.equal(overall.text, '2 of 4 connected');
  assert.deepEqual(
    overall.daemons.map(({ id, text }) => [id, text]),
    [
      ['c', 'offline'],
      ['b', 'Node edge-1 isn’t reporting'],
      ['d', 'signed out'],
      ['a', 'well'],
    ],
  );
  assert.equal(overallHealth([], () => null).text, 'No daemon added yet');
  assert.equal(overallHealth([connection('a', 'online')], () => null).text, '1 of 1 connected, all well');
});

const LEVEL = { danger: 'trouble', warn: 'attention' } as const;

// the console's rail, status bar and overview show what `problemsOf` finds in the same answers
for (const [title, snapshot, level] of [
  ['nothing known', null, 'ok'],
  ['all well', picture([]), 'ok'],
  ['a warning', picture([incident('warning')]), 'attention'],
  ['something critical', picture([incident('critical')]), 'trouble'],
  ['five of a rule', picture([1, 2, 3, 4, 5].map((id) => incident('warning', { id }))), 'attention'],
  ['an acknowledged incident', picture([incident('critical', { acknowledgedAt: AT })]), 'ok'],
  ['an older daemon', picture(undefined), 'ok'],
  ['answers of another shape', picture([{ text: 3 }]), 'ok'],
] as const satisfies readonly (readonly [string, Snapshot | null, Level])[])
  test(`tray and rail agree about ${title}`, () => {
    const one = connection('a', 'online');
    const tray = overallHealth([one], () => snapshot).daemons[0];
    const rail = problemsOf(one.state, snapshot ? findingsOf(snapshot) : {});
    assert.equal(tray?.level, level);
    assert.equal(rail[0] ? LEVEL[rail[0].urgency] : 'ok', level);
    assert.ok(rail[0] === undefined ? tray?.text === 'well' : tray?.text.startsWith(rail[0].text));
  });

const walk = (entries: readonly MenuEntry[]): MenuEntry[] =>
  entries.flatMap((entry) => [entry, ...(entry.kind === 'submenu' ? walk(entry.entries) : [])]);

test('menus lead to every daemon, keep shell keys free and cut long names', () => {
  const daemons = overallHealth(
    Array.from({ length: 12 }, (_, i) => ({
      ...connection(String(i), 'online'),
      name: i === 0 ? 'R&D '.repeat(80) : `d${i}`,
    })),
    () => null,
  );
  for (const platform of ['darwin', 'linux', 'win32'] as const) {
    const entries = walk(applicationMenu(platform, daemons.daemons, false));
    const items = entries.filter((entry) => entry.kind === 'item');
    const targets = items.flatMap(({ action }) =>
      action.do === 'command' && action.command.kind === 'navigate'
        ? [(action.command as Extract<ShellCommand, { kind: 'navigate' }>).connectionId]
        : [],
    );
    assert.equal(targets.length, 12);
    const keys = items.flatMap(({ accelerator }) => accelerator ?? []);
    assert.equal(new Set(keys).size, keys.length);
    for (const letter of 'RNKPLACDEUWZ') assert.ok(!keys.includes(`CommandOrControl+${letter}`), letter);
    assert.ok(!items.some(({ action }) => action.do === 'role' && action.role === 'toggleDevTools'));
  }
  const tray = trayModel(daemons);
  assert.equal(tray.tooltip, 'StreamHub: 12 of 12 connected, all well');
  const first = tray.entries.find((entry) => entry.kind === 'item' && entry.label?.includes('R&&D'));
  assert.ok(first?.kind === 'item' && (first.label?.length ?? 0) < 80);
});
