import { Client } from '#shared/client/client.ts';
import { bridge } from './host.ts';

const clients = new Map<string, Client>();

/** The client of one connection; the host adds its credential. */
export function clientFor(connectionId: string): Client {
  let client = clients.get(connectionId);
  if (client === undefined) {
    client = new Client((request, signal) => bridge().request(connectionId, request, signal));
    clients.set(connectionId, client);
  }
  return client;
}
