import { ContractHub } from '#shared/client/contract-hub.ts';
import { fetchBy } from '#shared/client/http.ts';
import { noteTime } from './clocks.ts';
import { bridge } from './host.ts';

const clients = new Map<string, ContractHub>();

/** The client of one connection. The host carries its requests, and adds the credential. */
export function clientFor(connectionId: string): ContractHub {
  let client = clients.get(connectionId);
  if (client === undefined) {
    const send = fetchBy(async (request, signal) => {
      const sentAt = Date.now();
      const answer = await bridge().request(connectionId, request, signal);
      noteTime(connectionId, answer.headers['date'], sentAt);
      return answer;
    });
    // a failed call shows a button to retry
    client = new ContractHub({ ...send, retries: 0 });
    clients.set(connectionId, client);
  }
  return client;
}
