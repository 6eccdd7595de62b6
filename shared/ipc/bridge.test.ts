import assert from 'node:assert/strict';
import test from 'node:test';
import { createBridge } from './bridge.ts';
import { ipc } from './index.ts';
import { failure, IPC_ERRORS, IpcFailure, unwrap } from './outcome.ts';

const silent = { invoke: async () => ({ ok: true, value: null }), listen: () => () => {} };

test('the bridge has a method for every call and a listener for every push, and cannot be changed', () => {
  const bridge = createBridge(silent) as unknown as Record<string, Record<string, unknown>>;
  for (const [area, { calls, pushes }] of Object.entries(ipc)) {
    for (const name of Object.keys(calls)) assert.equal(typeof bridge[area]?.[name], 'function', `${area}.${name}`);
    for (const name of Object.keys(pushes)) {
      const on = `on${name[0]?.toUpperCase()}${name.slice(1)}`;
      assert.equal(typeof bridge[area]?.[on], 'function', `${area}.${on}`);
    }
    assert.ok(Object.isFrozen(bridge[area]));
  }
  assert.ok(Object.isFrozen(bridge));
});

test('arguments that do not fit never leave the page', async () => {
  let left = 0;
  const bridge = createBridge({ ...silent, invoke: async () => ({ ok: true, value: (left += 1) }) });
  for (const args of [{}, { id: '../x' }, { id: 'a', extra: 1 }] as never[]) {
    const outcome = await bridge.connections.remove(args);
    assert.equal(outcome.ok === false && outcome.error.code, 'BAD_CALL');
  }
  for (const path of ['/health', '//evil.example/api/v1/', '/api/v1/a b', '/api/v1/a\\b', 'https://x/api/v1/apps']) {
    const outcome = await bridge.http.request({ connectionId: 'a', method: 'GET', path });
    assert.equal(outcome.ok === false && outcome.error.code, 'BAD_CALL', path);
  }
  assert.equal(left, 0);
});

test('an answer that does not fit is a failure, not a surprise further on', async () => {
  const bridge = createBridge({
    ...silent,
    invoke: async () => ({ ok: true, value: { connections: [{ id: 'a' }], problem: null } }),
  });
  const outcome = await bridge.connections.list();
  assert.equal(outcome.ok === false && outcome.error.code, 'BAD_ANSWER');
  const empty = createBridge({ ...silent, invoke: async () => undefined });
  assert.equal((await empty.connections.list()).ok, false);
  const broken = createBridge({ ...silent, invoke: async () => Promise.reject(new Error('gone')) });
  const lost = await broken.connections.list();
  assert.equal(lost.ok === false && lost.error.code, 'INTERNAL');
});

test('a push that does not fit is not handed on', (t) => {
  t.mock.method(console, 'error', () => {});
  const listeners = new Map<string, (payload: unknown) => void>();
  const bridge = createBridge({
    ...silent,
    listen: (channel, listener) => {
      listeners.set(channel, listener);
      return () => listeners.delete(channel);
    },
  });
  const heard: unknown[] = [];
  const stop = bridge.terminal.onData((payload) => heard.push(payload));
  listeners.get('terminal:data')?.({ terminalId: 't', data: 'x' });
  listeners.get('terminal:data')?.({ terminalId: 't', data: 7 });
  assert.deepEqual(heard, [{ terminalId: 't', data: 'x' }]);
  stop();
  assert.equal(listeners.size, 0);
});

test('failures cross as data and come back as they were', () => {
  const sent = failure(
    'CONNECTION_EXISTS',
    { url: 'http://a', name: 'Paris' },
    { hint: 'Open it.', details: { id: 'x' } },
  );
  const data = JSON.parse(JSON.stringify(sent)) as ReturnType<IpcFailure['toJSON']>;
  assert.throws(
    () => unwrap({ ok: false, error: data }),
    (error: IpcFailure) =>
      error instanceof IpcFailure &&
      error.code === 'CONNECTION_EXISTS' &&
      error.message === 'http://a is already connected as Paris.' &&
      error.hint === 'Open it.' &&
      error.details?.['id'] === 'x',
  );
  assert.equal(unwrap({ ok: true, value: 3 }), 3);
  for (const message of Object.values(IPC_ERRORS)) assert.match(message, /[.}]$/);
});
