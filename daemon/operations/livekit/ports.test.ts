import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import test from 'node:test';
import type { Meta } from '#daemon/platform/db/meta.ts';
import { KeptPorts } from './ports.ts';

const LOCAL = '127.0.0.1';

const memory = (): Meta => {
  const values = new Map<string, string>();
  return { get: (key) => values.get(key), set: (key, value) => void values.set(key, value) };
};

/** Listens on one of the ports. */
async function hold(ports: Iterable<number>): Promise<{ server: Server; port: number }> {
  for (const port of ports) {
    const server = createServer().listen(port, LOCAL);
    const isHeld = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isHeld) return { server, port };
  }
  throw new Error('all are taken');
}

function* between(from: number, to: number): Generator<number> {
  for (let port = from; port < to; port += 1) yield port;
}

test('with no port free at all it says why, and one that becomes free is taken', async (t) => {
  const [usual, other] = [await hold(between(65_100, 65_500)), await hold(between(29_000, 30_000))];
  t.after(() => {
    usual.server.close();
    other.server.close();
  });
  const ports = new KeptPorts(memory(), { from: other.port, to: other.port + 1 });
  const wanted = { name: 'signal', preferred: usual.port, protocol: 'tcp', address: LOCAL } as const;
  await assert.rejects(
    ports.choose(wanted),
    new RegExp(`TCP port ${usual.port} is in use by another program, and of 200 others none is free`),
  );
  assert.equal(ports.get('signal'), undefined);
  await assert.rejects(ports.choose({ ...wanted, isFixed: true }), /free it, or choose another in LiveKit’s settings/);
  await assert.rejects(
    ports.choose({ ...wanted, address: '192.0.2.1', isFixed: true }),
    /is on an address that this machine doesn’t have/,
  );
  other.server.close();
  await once(other.server, 'close');
  assert.equal(await ports.choose(wanted), other.port);
  assert.equal(ports.get('signal'), other.port);
});
