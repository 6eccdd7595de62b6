import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { MqttClient as Client, IClientOptions } from 'mqtt';
import { type EndpointPolicy, endpointProblem, guardedLookup } from '#daemon/platform/net/endpoint-policy.ts';
import { BrokerFailure, type BrokerStep, brokerFailure, reasonOf } from './failures.ts';

const CONNECT_MS = 10_000;
const PUBLISH_MS = 10_000;
/** Time limit of a clean disconnect. */
const END_MS = 2000;
const KEEPALIVE_S = 30;
/** A packet for a client that subscribes to nothing. The protocol allows 256 MB, which the library would gather. */
const MAX_PACKET_BYTES = 1_000_000;
/** Bytes that may wait in the socket; beyond, expendable messages are dropped. */
const FULL_BYTES = 256 * 1024;

export type Qos = 0 | 1 | 2;

/** Where to connect, and with which user. */
export interface BrokerTarget {
  url: string;
  /** TLS also for an address that begins with mqtt:// or ws://. */
  tls: boolean;
  username: string;
  password: string;
  clientId: string;
}

export interface PublishOptions {
  qos: Qos;
  retain?: boolean;
}

export interface OpenOptions {
  policy: EndpointPolicy;
  /** Published by the broker when the connection ends without a goodbye; retained. */
  will?: { topic: string; payload: string; qos: Qos };
  /** Cancels the attempt. */
  signal: AbortSignal;
  /** A step is done. */
  onStep?(step: BrokerStep): void;
}

/** An open connection to a broker. */
export class Broker {
  readonly #client: Client;
  /** Resolves with the reason when the connection is over. */
  readonly closed: Promise<string>;
  #isOpen = true;

  constructor(client: Client, closed: Promise<string>) {
    this.#client = client;
    this.closed = closed.then((reason) => {
      this.#isOpen = false;
      return reason;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The broker takes messages more slowly than they arrive. */
  get isFull(): boolean {
    return this.#client.stream.writableLength > FULL_BYTES;
  }

  /**
   * Resolves when the broker has taken the message: with QoS 0 when it was sent, else when it was acknowledged.
   * @throws BrokerFailure
   */
  async publish(topic: string, payload: string, { qos, retain = false }: PublishOptions): Promise<void> {
    if (!this.#isOpen) throw new BrokerFailure('connect', 'The connection to the broker is over.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = setTimeout(() => {
      reject(new BrokerFailure('publish', `The broker did not acknowledge within ${PUBLISH_MS / 1000} s.`));
      // by then, unacknowledged messages were sent again
      this.destroy();
    }, PUBLISH_MS);
    this.#client.publish(topic, payload, { qos, retain }, (error) => {
      if (error) reject(publishFailure(error));
      else resolve();
    });
    try {
      await Promise.race([promise, this.closed.then((reason) => Promise.reject(new BrokerFailure('publish', reason)))]);
    } finally {
      clearTimeout(limit);
    }
  }

  /** Disconnects cleanly, so that the broker doesn't publish the will. */
  async end(): Promise<void> {
    const limit = setTimeout(() => this.destroy(), END_MS);
    this.#client.end(false);
    await this.closed;
    clearTimeout(limit);
  }

  destroy(): void {
    this.#client.end(true);
    this.#client.stream.destroy();
  }
}

/**
 * Connects and signs in, with MQTT 5 or, where the broker does not know it, with MQTT 3.1.1. Only MQTT 5 reports when a
 * broker refuses a message. A forward proxy is not used.
 * @throws BrokerFailure
 */
export async function openBroker(target: BrokerTarget, options: OpenOptions): Promise<Broker> {
  try {
    return await openWith(5, target, options);
  } catch (error) {
    if (!(error instanceof BrokerFailure && error.isOfVersion) || options.signal.aborted) throw error;
    return openWith(4, target, options);
  }
}

async function openWith(version: 4 | 5, target: BrokerTarget, options: OpenOptions): Promise<Broker> {
  const { policy, will, signal, onStep } = options;
  const address = addressOf(target, policy);
  const [{ MqttClient }, open] = await Promise.all([import('mqtt'), streamOpener(address, policy)]);
  let step: BrokerStep = 'address';
  const reach = (next: BrokerStep): void => {
    onStep?.(step);
    step = next;
  };
  const own: IClientOptions = {
    protocolId: 'MQTT',
    protocolVersion: version,
    clientId: target.clientId,
    clean: true,
    keepalive: KEEPALIVE_S,
    // the daemon opens a new connection itself, and sends again what was not acknowledged
    reconnectPeriod: 0,
    connectTimeout: CONNECT_MS,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: 'native',
    ...(target.username === '' ? {} : { username: target.username }),
    ...(target.password === '' ? {} : { password: target.password }),
    ...(will === undefined ? {} : { will: { ...will, payload: Buffer.from(will.payload), retain: true } }),
  };
  signal.throwIfAborted();
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<string>();
  let farewell: string | undefined;
  const fail = (error: unknown): void => {
    const failure = brokerFailure(step, error);
    farewell ??= failure.message;
    opened.reject(failure);
  };
  const client = new MqttClient(
    // the library drops errors without a code, so listen for them here
    () =>
      open(
        () => reach('connect'),
        () => reach('sign-in'),
      ).on('error', fail),
    own,
  );
  let unfinished = 0;
  client.on('packetreceive', () => {
    unfinished = 0;
  });
  client.stream.on('data', (chunk: Buffer) => {
    unfinished += chunk.length;
    if (unfinished <= MAX_PACKET_BYTES) return;
    fail(new BrokerFailure(step, 'The broker sent a packet that is too large. Is it an MQTT broker?'));
    client.stream.destroy();
  });
  client.on('connect', () => opened.resolve());
  client.on('error', fail);
  client.on('disconnect', ({ reasonCode = 0 }) => {
    if (reasonCode >= 128) farewell = `The broker ended the connection: ${reasonOf(reasonCode)}.`;
  });
  client.on('close', () => {
    opened.reject(
      new BrokerFailure(step, farewell ?? 'The broker closed the connection.', { isOfVersion: step === 'sign-in' }),
    );
    closed.resolve(farewell ?? 'The broker closed the connection.');
  });
  const abort = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  const giveUp = (): void =>
    opened.reject(new BrokerFailure(step, `The broker did not respond within ${CONNECT_MS / 1000} s.`));
  abort.addEventListener('abort', giveUp, { once: true });
  try {
    await opened.promise;
  } catch (error) {
    client.end(true);
    client.stream.destroy();
    throw error;
  } finally {
    abort.removeEventListener('abort', giveUp);
  }
  reach('publish');
  return new Broker(client, closed.promise);
}

interface Address {
  isWebSocket: boolean;
  isTls: boolean;
  host: string;
  port: number;
  url: URL;
}

/** @throws BrokerFailure for an address that the installation forbids */
function addressOf({ url: text, tls: wantsTls }: BrokerTarget, policy: EndpointPolicy): Address {
  const problem = endpointProblem(text.replace(/^(?:mqtts?|wss?):/i, 'http:'), policy);
  if (problem !== undefined) throw new BrokerFailure('address', `The address ${problem}.`);
  const url = new URL(text);
  const isWebSocket = url.protocol.startsWith('ws');
  const isTls = wantsTls || url.protocol === 'mqtts:' || url.protocol === 'wss:';
  const standard = isWebSocket ? (isTls ? 443 : 80) : isTls ? 8883 : 1883;
  return { isWebSocket, isTls, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || standard, url };
}

type Opener = (onAddress: () => void, onConnected: () => void) => Duplex;

/** How to open the connection: its address is checked at the moment of connecting. */
async function streamOpener({ isWebSocket, isTls, host, port, url }: Address, policy: EndpointPolicy): Promise<Opener> {
  const lookup = guardedLookup(policy);
  if (isWebSocket) {
    const { WebSocket, createWebSocketStream } = await import('ws');
    const target = new URL(url.pathname + url.search, `${isTls ? 'wss' : 'ws'}://${url.host}`);
    return (onAddress, onConnected) => {
      const socket = new WebSocket(target, 'mqtt', {
        lookup,
        perMessageDeflate: false,
        handshakeTimeout: CONNECT_MS,
        maxPayload: MAX_PACKET_BYTES,
      });
      socket.once('open', () => {
        onAddress();
        onConnected();
      });
      return createWebSocketStream(socket);
    };
  }
  return (onAddress, onConnected) => {
    const servername = net.isIP(host) === 0 ? host : '';
    const socket = isTls
      ? tls.connect({ host, port, lookup, servername }, onConnected)
      : net.connect({ host, port, lookup, noDelay: true }, onConnected);
    if (net.isIP(host) === 0) socket.once('lookup', (error) => error === null && onAddress());
    else onAddress();
    return socket;
  };
}

function publishFailure(error: Error): BrokerFailure {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'number') return brokerFailure('publish', error);
  return new BrokerFailure('publish', `The broker refuses the message: ${reasonOf(code)}.`);
}
