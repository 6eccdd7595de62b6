import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import { ApiError } from '#shared/errors.ts';

/**
 * - `unconfigured`: no URL, key or secret. `unreachable`: no answer. `timeout`: no answer in time.
 * - `unauthorized`: the key or secret is wrong. `missing`: there is no such room, participant or recording.
 * - `foreign`: a server other than LiveKit responds at its address.
 * - `busy`: it answered that it cannot now (no Redis, no free worker). `unsupported`: this server never can.
 * - `refused`: anything else.
 */
export type LiveKitFailure =
  | 'unconfigured'
  | 'unreachable'
  | 'timeout'
  | 'unauthorized'
  | 'foreign'
  | 'missing'
  | 'busy'
  | 'unsupported'
  | 'refused';

const NOBODY_TOOK_IT = /no response from servers/i;

/** Why a request to LiveKit failed. Rebuilt from the facts, because the library's error can contain the token. */
export class LiveKitError extends Error {
  readonly failure: LiveKitFailure;
  readonly status: number | undefined;

  constructor(failure: LiveKitFailure, reason: string, status?: number) {
    super(reason);
    this.name = 'LiveKitError';
    this.failure = failure;
    this.status = status;
  }

  /** True when LiveKit cannot serve anyone right now. If nobody took a request, LiveKit itself still answered. */
  get isOutage(): boolean {
    return !['missing', 'refused', 'unsupported'].includes(this.failure) && !NOBODY_TOOK_IT.test(this.message);
  }
}

interface RawError {
  name?: unknown;
  message?: unknown;
  status?: unknown;
  code?: unknown;
  cause?: { code?: unknown };
}

/**
 * Turns an error of the library into ours.
 * @param clean takes secrets out of a text that LiveKit sent
 */
export function translate(error: unknown, limitSeconds: number, clean: (text: string) => string): LiveKitError {
  if (error instanceof LiveKitError) return error;
  const raw = (typeof error === 'object' && error !== null ? error : {}) as RawError;
  if (raw.name === 'TimeoutError' || raw.name === 'AbortError') {
    return new LiveKitError('timeout', `no answer within ${limitSeconds} s`);
  }
  if (typeof raw.status !== 'number') {
    const code = typeof raw.cause?.code === 'string' ? raw.cause.code : undefined;
    return new LiveKitError('unreachable', networkFailure(code) ?? code ?? 'it cannot be reached');
  }
  const { status } = raw;
  // its text repeats the token
  if (status === 401) return new LiveKitError('unauthorized', 'the API key or secret is not accepted', status);
  const told = typeof raw.message === 'string' ? shorten(clean(raw.message)) : '';
  const reason = told || `it answered with status ${status}`;
  if (status === 404) return new LiveKitError('missing', reason, status);
  // the open-source server says so of what only LiveKit Cloud does
  if (raw.code === 'unimplemented' || /\bnot implemented\b/i.test(told)) {
    return new LiveKitError('unsupported', reason, status);
  }
  if (raw.code === 'deadline_exceeded' || status === 408 || status === 504) {
    return new LiveKitError('timeout', reason, status);
  }
  // the only thing that LiveKit dials for a request is its Redis
  if (status >= 500 && /\bredis\b|\bdial tcp\b/i.test(told)) {
    return new LiveKitError('busy', `it responds, but cannot reach its Redis (${told})`, status);
  }
  if (status === 429 || status >= 500) return new LiveKitError('busy', reason, status);
  return new LiveKitError('refused', reason, status);
}

/** The refusal that a caller of the API gets. */
export function toApiError(error: unknown): Error {
  if (!(error instanceof LiveKitError)) return error as Error;
  switch (error.failure) {
    case 'unconfigured':
      return new ApiError('LIVEKIT_NOT_CONFIGURED');
    case 'unreachable':
    case 'timeout':
    case 'foreign':
    case 'busy':
      return new ApiError('LIVEKIT_UNREACHABLE', { reason: `${error.message}.` });
    case 'unsupported':
      return new ApiError('LIVEKIT_UNSUPPORTED', { what: 'do this' });
    default:
      return new ApiError('LIVEKIT_REFUSED', { reason: `${error.message}.` });
  }
}

/** LiveKit gives the same answer if no service runs and if none has free processors, so name both. */
export function isNotTaken({ failure, message }: LiveKitError): boolean {
  return failure === 'timeout' || NOBODY_TOOK_IT.test(message);
}

const SERVICES = {
  // each leaves part of its machine idle: 20 % and 30 %
  egress: { service: 'egress', took: 'the recording', share: 80, lower: 'record fewer rooms at a time' },
  hls: { service: 'egress', took: 'the encoder', share: 80, lower: 'choose fewer qualities' },
  ingress: { service: 'ingress', took: 'it', share: 70, lower: 'pause ingests that you don’t need' },
} as const;

interface Words {
  reason: string;
  hint: string;
}

/**
 * Why an order found no service, and what to do about it.
 * @param cpus processors that the service sets aside for it, by its defaults
 * @param connected services that listen for orders; undefined = unknown, so both causes are named
 * @param running orders that they carry out now
 */
export function notTaken(what: keyof typeof SERVICES, cpus: number, connected?: number, running = 0): Words {
  const { service, took, share, lower } = SERVICES[what];
  const start = `Start LiveKit’s ${service} service with the same Redis as LiveKit.`;
  const makeRoom = `gives away at most ${share} % of its machine’s CPUs, and ${cpus} are set aside for this. Give it a machine with more CPUs, add another, lower cpu_cost in its config, or ${lower}.`;
  const nobody = `no ${service} service accepted ${took}`;
  if (connected === 0) return { reason: `${nobody}: none is connected to LiveKit’s Redis`, hint: start };
  if (connected !== undefined) {
    const busy = running === 0 ? '' : `; ${running} ${running === 1 ? 'order is' : 'orders are'} running`;
    const who = connected === 1 ? '1 is connected, but it doesn’t have' : `${connected} are connected, but none has`;
    return { reason: `${nobody}: ${who} ${cpus} CPUs free${busy}`, hint: `The ${service} service ${makeRoom}` };
  }
  return {
    reason: `${nobody}: none is connected to LiveKit’s Redis, or none has ${cpus} CPUs free`,
    hint: `If none runs, start LiveKit’s ${service} service with the same Redis. If one runs, it ${makeRoom} If REDIS_URL is LiveKit’s Redis, the daemon can tell which it is.`,
  };
}

const shorten = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
};
