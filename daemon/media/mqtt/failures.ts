import { AddressRefused } from '#daemon/platform/net/endpoint-policy.ts';
import { networkFailure } from '#daemon/platform/net/network-failures.ts';

/** Steps of a connection, in order. */
export type BrokerStep = 'address' | 'connect' | 'sign-in' | 'publish';

/** Why a broker could not be used, in words without secrets. */
export class BrokerFailure extends Error {
  readonly step: BrokerStep;
  /** The broker doesn't know this version of the protocol, or closed the connection without a reason. */
  readonly isOfVersion: boolean;

  constructor(step: BrokerStep, message: string, { isOfVersion = false } = {}) {
    super(message);
    this.name = 'BrokerFailure';
    this.step = step;
    this.isOfVersion = isOfVersion;
  }
}

/**
 * Codes with which a broker refuses. Below 128 they are of MQTT 3.1.1, from 128 on of MQTT 5.
 * https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901031
 */
const REASONS: Readonly<Record<number, string>> = {
  1: 'it does not know this version of MQTT',
  2: 'it refuses the client id',
  3: 'it is not available right now',
  4: 'user name or password is wrong',
  5: 'this user may not sign in',
  129: 'it could not read a packet',
  130: 'it saw a protocol error',
  132: 'it does not know this version of MQTT',
  133: 'it refuses the client id',
  134: 'user name or password is wrong',
  135: 'this user is not allowed to do that',
  136: 'it is not available right now',
  137: 'it is too busy',
  138: 'this client is banned',
  139: 'it is shutting down',
  140: 'it asks for another way to sign in',
  141: 'it heard nothing for too long',
  142: 'another client signed in with the same client id',
  144: 'it refuses the topic',
  149: 'the message is too large for it',
  151: 'a quota is used up',
  152: 'an operator ended the connection',
  153: 'it refuses the format of the message',
  154: 'it keeps no retained messages',
  155: 'it does not support this quality of service (mqtt.qos)',
  156: 'it asks to use another server',
  157: 'it has moved to another server',
  159: 'it accepts no more connections for now',
};
const VERSION_CODES: ReadonlySet<unknown> = new Set([1, 132]);

export const reasonOf = (code: number): string => REASONS[code] ?? `it refuses with code ${code}`;

/** @param step how far the connection had come */
export function brokerFailure(step: BrokerStep, error: unknown): BrokerFailure {
  if (error instanceof BrokerFailure) return error;
  if (error instanceof AddressRefused) return new BrokerFailure('address', error.message);
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (step === 'sign-in' && (code === 5 || code === 135))
    return new BrokerFailure(step, 'The broker refuses: user name or password is wrong, or this user may not sign in.');
  if (typeof code === 'number')
    return new BrokerFailure(step, `The broker refuses: ${reasonOf(code)}.`, { isOfVersion: VERSION_CODES.has(code) });
  const words = networkFailure(code) ?? tlsFailure(code) ?? handshakeFailure(message);
  if (words === undefined && step === 'sign-in') return new BrokerFailure(step, 'The broker gave no answer of MQTT.');
  return new BrokerFailure(step, `The broker cannot be reached: ${words ?? (code || 'the connection failed')}.`);
}

/** OpenSSL has many codes for a peer that does not speak TLS. */
function tlsFailure(code: unknown): string | undefined {
  return typeof code === 'string' && /^ERR_SSL_/.test(code) ? 'it does not speak TLS' : undefined;
}

/** The WebSocket library has the status only in a sentence. */
function handshakeFailure(message: string): string | undefined {
  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1];
  return status === undefined ? undefined : `it answered the WebSocket with HTTP ${status}`;
}
