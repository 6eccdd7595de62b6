import { traced } from '#daemon/platform/tracing.ts';
import { type ClockDifference, measure } from './clock-difference.ts';
import { LiveKitError } from './errors.ts';

/** What LiveKit's list answers always carry: Twirp writes defaults too. */
const FIELDS: Readonly<Record<string, string>> = { ListRooms: 'rooms', ListEgress: 'items', ListIngress: 'items' };

/** Others have a `code` in their errors, too. https://twitchtv.github.io/twirp/docs/errors.html */
const TWIRP_CODES =
  'canceled unknown invalid_argument malformed deadline_exceeded not_found bad_route already_exists permission_denied unauthenticated resource_exhausted failed_precondition aborted out_of_range unimplemented internal unavailable dataloss'.split(
    ' ',
  );

export interface TransportOptions {
  /** `http(s)://…`; a path is kept, for a LiveKit behind a proxy. */
  url: string;
  timeoutSeconds: number;
  /** Takes the request back, with its reason. */
  signal?: AbortSignal;
  /** LiveKit's clock, from the Date of its answers. */
  onClock(difference: ClockDifference): void;
}

/** The part of the library's clients that sends requests. */
interface Rpc {
  request(service: string, method: string, data: unknown, headers: Record<string, string>): Promise<unknown>;
}

/**
 * Sends the requests of a client of livekit-server-sdk. The library's own transport drops the path of the URL, follows
 * redirects with the token, and takes any answer for LiveKit's.
 */
export function sendThrough<T extends object>(
  client: T,
  { url, timeoutSeconds, onClock, signal }: TransportOptions,
): T {
  const base = new URL(url);
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '')}`;
  const rpc: Rpc = {
    request: (service, method, data, headers) =>
      traced(
        `livekit ${service}/${method}`,
        {
          'rpc.system': 'twirp',
          'rpc.service': `livekit.${service}`,
          'rpc.method': method,
          'server.address': base.host,
        },
        () => send(service, method, data, headers),
        { isCall: true },
      ),
  };
  const send: Rpc['request'] = async (service, method, data, headers) => {
    const sentAt = Date.now();
    const response = await fetch(`${root}/twirp/livekit.${service}/${method}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(data),
      signal: AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), ...(signal ? [signal] : [])]),
    });
    const difference = measure(response.headers.get('date'), sentAt, Date.now());
    const answer = await read(response, method);
    if (difference !== undefined) onClock(difference);
    return answer;
  };
  return Object.assign(client, { rpc });
}

async function read(response: Response, method: string): Promise<unknown> {
  const { status, ok } = response;
  const text = await response.text();
  const isMarkup = /\b(?:html|xml)\b/i.test(response.headers.get('content-type') ?? '');
  const json = isMarkup ? undefined : parse(text);
  if (ok) {
    const field = FIELDS[method];
    if (json !== undefined && (field === undefined || Array.isArray(json[field]))) return json;
    throw foreign(status);
  }
  const code = TWIRP_CODES.find((known) => known === json?.['code']);
  if (code === 'bad_route' || (status >= 300 && status < 400)) throw foreign(status);
  const isRefusal = status < 500 && status !== 401 && status !== 408 && status !== 429;
  if (code === undefined && (isRefusal || (status === 401 && isMarkup))) throw foreign(status);
  const message = typeof json?.['msg'] === 'string' ? json['msg'] : isMarkup ? '' : text;
  throw Object.assign(new Error(message), { name: 'ServerError', status, code });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const foreign = (status: number): LiveKitError =>
  new LiveKitError('foreign', `the server at LIVEKIT_URL is not LiveKit (status ${status})`, status);
