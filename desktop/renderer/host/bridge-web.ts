import type { WireAnswer, WireRequest } from '#shared/client/client.ts';
import { DaemonConnection, TIMING } from '#shared/connection/daemon-connection.ts';
import { followEvents, type StreamRefused } from '#shared/connection/event-stream.ts';
import { FetchTransport } from '#shared/connection/fetch-transport.ts';
import { recognise } from '#shared/connection/probe.ts';
import { packSecret, type Secret } from '#shared/connection/secret.ts';
import { endSession, signIn } from '#shared/connection/sign-in.ts';
import type { TransportRequest } from '#shared/connection/transport.ts';
import type { Connection, Credential } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { failure, IpcFailure } from '#shared/ipc/failure.ts';
import { HERE_URL } from './base.ts';
import { type Bridge, HostError, type SignIn, type StreamListener, type Unsubscribe, unreachable } from './bridge.ts';

const STORED = 'streamhub.credential';
const WEB_TIMING = { ...TIMING, healthMs: 30_000, backoff: { base: 1000, max: 30_000 } };
/** Id of the one connection that a browser has: the daemon that served the page. */
export const HERE = 'here';

interface Subscribers {
  connections: Set<(connections: Connection[]) => void>;
  events: Set<(id: string, events: StreamEvent[]) => void>;
  gap: Set<(id: string) => void>;
}

/** The browser as host: one daemon, the page's own origin; the credential stays in this tab. */
export class WebBridge implements Bridge {
  readonly host = 'web';
  readonly #subscribers: Subscribers = { connections: new Set(), events: new Set(), gap: new Set() };
  readonly #transport = new FetchTransport(HERE_URL);
  readonly #connection: DaemonConnection;
  readonly #addedAt = new Date().toISOString();
  /** Typed, but not accepted before the second factor is there too. */
  #pendingPassword: Extract<Credential, { kind: 'password' }> | undefined;

  constructor() {
    this.#connection = new DaemonConnection({
      name: () => location.host,
      transport: this.#transport,
      status: storedSecret() === undefined ? 'signed-out' : 'connecting',
      lastSeenAt: null,
      version: null,
      timing: WEB_TIMING,
      readSecret: async () => {
        const secret = storedSecret();
        return secret === undefined ? null : packSecret(secret);
      },
      // a session is renewed with a kept password only, and no browser tab keeps one
      writeSecret: async () => {},
      onState: () => {
        for (const listener of this.#subscribers.connections) listener([this.#view()]);
      },
      onEvents: (events) => {
        for (const listener of this.#subscribers.events) listener(HERE, events);
      },
      onGap: () => {
        for (const listener of this.#subscribers.gap) listener(HERE);
      },
    });
    this.#connection.start();
  }

  async connections(): Promise<Connection[]> {
    return [this.#view()];
  }
  onConnections(listener: (connections: Connection[]) => void): Unsubscribe {
    return subscribe(this.#subscribers.connections, listener);
  }
  onEvents(listener: (id: string, events: StreamEvent[]) => void): Unsubscribe {
    return subscribe(this.#subscribers.events, listener);
  }
  onGap(listener: (id: string) => void): Unsubscribe {
    return subscribe(this.#subscribers.gap, listener);
  }

  async request(_id: string, request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    const { path, headers, body = null } = request;
    const method = request.method as NonNullable<TransportRequest['method']>;
    // the client's own limit is shorter
    const sent = { method, path, headers, body, signal, timeoutMs: 600_000 };
    try {
      // the pages before the sign-in use operations that need no credential
      return await (storedSecret() === undefined ? this.#transport : this.#connection).request(sent);
    } catch (error) {
      throw unreachable((error as IpcFailure).toJSON(), request);
    }
  }

  openStream(_id: string, path: string, listener: StreamListener): Unsubscribe {
    const stop = new AbortController();
    followEvents({
      source: () => this.#connection,
      path,
      signal: stop.signal,
      timing: WEB_TIMING,
      onOpen: () => listener.onState('open'),
      onEvent: (event) => listener.onEvents([event]),
      onBreak: (error) => listener.onState('waiting', error instanceof Error ? error.message : undefined),
    }).catch(({ status }: StreamRefused) => listener.onState('closed', failure('STREAM_REFUSED', { status }).message));
    return () => stop.abort();
  }

  async signIn(_id: string, typed: SignIn): Promise<void> {
    try {
      const secret = await this.#exchange(typed);
      sessionStorage.setItem(STORED, secret.token);
    } catch (error) {
      throw error instanceof IpcFailure ? new HostError(error.toJSON()) : error;
    }
    this.#connection.credentialChanged();
    await this.#connection.settled();
  }

  async signOut(): Promise<void> {
    const secret = storedSecret();
    sessionStorage.removeItem(STORED);
    this.#connection.signedOut();
    // a session ends by itself: signing out must work while the daemon is away
    if (secret !== undefined) await endSession(this.#transport, secret).catch(() => {});
  }

  async retry(): Promise<void> {
    this.#connection.retry();
  }

  async copyText(text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
  }

  async saveText(suggestedName: string, text: string): Promise<boolean> {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    link.download = suggestedName;
    link.click();
    URL.revokeObjectURL(link.href);
    return true;
  }

  async #exchange(typed: SignIn): Promise<Secret> {
    const credential = typed.kind === 'code' ? this.#withCode(typed.code) : typed;
    try {
      const secret = await signIn(this.#transport, credential);
      if (secret.kind === 'token') await this.#checkToken(secret);
      this.#pendingPassword = undefined;
      return secret;
    } catch (error) {
      const wantsCode = error instanceof IpcFailure && error.code.startsWith('SECOND_FACTOR_');
      this.#pendingPassword = wantsCode && credential.kind === 'password' ? credential : undefined;
      throw error;
    }
  }

  #withCode(code: string): Credential {
    if (this.#pendingPassword !== undefined) return { ...this.#pendingPassword, code };
    throw new HostError({ code: 'NO_CREDENTIAL', message: 'Enter the password again.' });
  }

  async #checkToken({ token }: Secret): Promise<void> {
    const recognition = await recognise(this.#transport, token);
    if (!recognition.accepted) throw failure('SIGN_IN_FAILED', { reason: recognition.message });
  }

  #view(): Connection {
    const { state } = this.#connection;
    return {
      id: HERE,
      name: location.host,
      url: HERE_URL,
      colour: '#2459d3',
      kind: 'remote',
      credential: { kind: 'token', user: null, kept: 'session' },
      pinned: null,
      addedAt: this.#addedAt,
      // the sign-in page is not told that nobody has signed in yet
      state: { ...state, error: state.error?.code === 'NO_CREDENTIAL' ? null : state.error },
    };
  }
}

/** The credential of this tab; API tokens begin with `sk_`, everything else is a session. */
function storedSecret(): Secret | undefined {
  const token = sessionStorage.getItem(STORED);
  return token === null ? undefined : { kind: token.startsWith('sk_') ? 'token' : 'session', token };
}

function subscribe<L>(set: Set<L>, listener: L): Unsubscribe {
  set.add(listener);
  return () => set.delete(listener);
}
