import { ContractHub } from '../client/contract-hub.ts';
import { fetchBy } from '../client/http.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** The client of a daemon whose requests are carried by a transport, or by a connection that adds its credential. */
export function clientOn(carrier: Pick<Transport, 'request' | 'stream'>, token?: string): ContractHub {
  const carried = fetchBy(({ method, ...asked }, signal) => {
    const request = { ...asked, method: method as NonNullable<TransportRequest['method']>, signal };
    // files come in parts; the length of other answers is limited
    return request.headers['accept'] === 'application/json' ? carrier.request(request) : carrier.stream(request);
  });
  return new ContractHub({ ...carried, token, retries: 0 });
}
