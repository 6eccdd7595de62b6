import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { test } from 'node:test';
import { openBroker } from './broker.ts';
import { BrokerFailure } from './failures.ts';

test('addresses that the installation forbids are never contacted, also when a name leads there', async (t) => {
  let contacts = 0;
  const server = net.createServer((socket) => {
    contacts += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  // a name of a tenant that leads to this machine
  t.mock.method(dns, 'lookup', (_name: string, _options: object, done: (e: null, found: object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }]),
  );
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const attempt = async (url: string, denyPrivate = true, tls = false): Promise<string> => {
    const target = { url, tls, username: '', password: '', clientId: 'sh1' };
    const signal = new AbortController().signal;
    const error = await openBroker(target, { policy: { denyPrivate }, signal }).catch((reason: unknown) => reason);
    assert.ok(error instanceof BrokerFailure, String(error));
    return `${error.step}: ${error.message}`;
  };
  const refused = /^address: The address is a private address, which this installation does not allow\.$/;
  for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss']) {
    assert.match(await attempt(`${scheme}://127.0.0.1:${port}`), refused, scheme);
    assert.match(await attempt(`${scheme}://[::ffff:127.0.0.1]:${port}`), refused, scheme);
    assert.match(await attempt(`${scheme}://broker.example.com:${port}`), refused, scheme);
  }
  assert.match(await attempt(`mqtt://broker.example.com:${port}`, true, true), refused);
  assert.match(await attempt('mqtt://169.254.169.254', false), /^address: The address is a link-local address/);
  assert.equal(contacts, 0);
  assert.match(await attempt(`mqtt://broker.example.com:${port}`, false), /^sign-in: /);
  assert.ok(contacts > 0, 'the same server is contacted where it is allowed');
});
