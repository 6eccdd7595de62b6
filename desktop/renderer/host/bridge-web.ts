import type { WireAnswer, WireRequest } from '#shared/client/wire.ts';
import { DaemonConnection, TIMING } from '#shared/connection/daemon-connection.ts';
import type { StreamRefused } from '#shared/connection/event-stream.ts';
import { FetchTransport } from '#shared/connection/fetch-transport.ts';
import type { TransportRequest } from '#shared/connection/transport.ts';
import type { Connection, Credential } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { failure, IpcFailure } from '#shared/ipc/failure.ts';
import { HERE_URL } from './base.ts';
import { type Bridge, HostError, type SignIn, type StreamListener, type Unsubscribe, unreachable } from './bridge.ts';
import { BrowserSession } from './browser-session.ts';
import { followShared } from './shared-events.ts';

const WEB_TIMING = { ...TIMING, healthMs: 30_000, backoff: { base: 1000, max: 30_000 } };
/** Id of the one connection that a browser has: the daemon that served the page. */
export const HERE = 'here';

interface Subscribers {
  connections: Set<(connections: Connection[]) => void>;
  events: Set<(id: string, events: StreamEvent[]) => void>;
  gap: Set<(id: string) => void>;
  signedOut: Set<(id: string) => void>;
}

/** The browser as host: one daemon, the page's own origin, with the session that all tabs share. */
export class WebBridge implements Bridge {
  readonly host = 'web';
  readonly #subscribers: Subscribers = {
    connections: new Set(),
    events: new Set(),
    gap: new Set(),
    signedOut: new Set(),
  };
  readonly #transport = new FetchTransport(HERE_URL);
  readonly #session = new BrowserSession(this.#transport, (what) => this.#otherTab(what));
  readonly #connection: DaemonConnection;
  readonly #addedAt = new Date().toISOString();
  /** The cookie was good for a while since the page was loaded. */
  #wasOnline = false;
  /** Typed, but not accepted before the second factor is there too. */
  #pendingPassword: Extract<Credential, { kind: 'password' }> | undefined;

  constructor() {
    this.#connection = new DaemonConnection({
      name: () => location.host,
      transport: this.#transport,
      lastSeenAt: null,
      version: null,
      timing: WEB_TIMING,
      followEvents: followShared,
      readSecret: () => this.#session.secret(),
      // a session is renewed with a kept password only, and no browser tab keeps one
      writeSecret: async () => {},
      onState: ({ status, account }) => {
        if (status === 'online') this.#session.note(account?.via === 'api_token' ? 'token' : 'password');
        else if (status === 'signed-out') this.#session.note(null);
        this.#wasOnline ||= status === 'online';
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
      const isSignedOut = this.#connection.state.status === 'signed-out';
      return await (isSignedOut ? this.#transport : this.#connection).request(sent);
    } catch (error) {
      throw unreachable((error as IpcFailure).toJSON(), request);
    }
  }

  openStream(_id: string, path: string, listener: StreamListener): Unsubscribe {
    const stop = new AbortController();
    followShared({
      source: () => this.#connection,
      path,
      signal: stop.signal,
      timing: WEB_TIMING,
      onOpen: () => listener.onState('open'),
      onEvent: (event) => listener.onEvents([event]),
      onBreak: (error) => listener.onState('waiting', error instanceof Error ? error.message : undefined),
      onPause: () => listener.onState('waiting'),
    }).catch(({ status }: StreamRefused) => listener.onState('closed', failure('STREAM_REFUSED', { status }).message));
    return () => stop.abort();
  }

  async signIn(_id: string, typed: SignIn, keep: boolean): Promise<void> {
    try {
      await this.#open(typed, keep);
    } catch (error) {
      throw error instanceof IpcFailure ? new HostError(error.toJSON()) : error;
    }
    this.#connection.credentialChanged();
    await this.#connection.settled();
  }

  async signOut(): Promise<void> {
    this.#wasOnline = false;
    const ended = this.#session.end();
    this.#connection.signedOut();
    await ended;
  }

  onSignedOut(listener: (id: string) => void): Unsubscribe {
    return subscribe(this.#subscribers.signedOut, listener);
  }

  async retry(): Promise<void> {
    this.#connection.retry();
  }

  async copyText(text: string): Promise<void> {
    // browsers keep the clipboard from pages without TLS
    if (globalThis.isSecureContext) await navigator.clipboard.writeText(text);
    else copySelected(text);
  }

  async saveText(suggestedName: string, text: string): Promise<boolean> {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    link.download = suggestedName;
    link.click();
    URL.revokeObjectURL(link.href);
    return true;
  }

  #otherTab(what: 'in' | 'out'): void {
    if (what === 'out') {
      this.#wasOnline = false;
      for (const listener of this.#subscribers.signedOut) listener(HERE);
      this.#connection.signedOut();
      return;
    }
    this.#connection.credentialChanged();
    // it can be another person
    for (const listener of this.#subscribers.gap) listener(HERE);
  }

  async #open(typed: SignIn, keep: boolean): Promise<void> {
    const credential = typed.kind === 'code' ? this.#withCode(typed.code) : typed;
    try {
      await this.#session.open(credential, keep);
      this.#pendingPassword = undefined;
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

  #view(): Connection {
    const { state } = this.#connection;
    return {
      id: HERE,
      name: location.host,
      url: HERE_URL,
      colour: '#2459d3',
      kind: 'remote',
      credential: { kind: this.#session.kind, user: null, kept: this.#session.isExpected ? 'session' : 'none' },
      pinned: null,
      addedAt: this.#addedAt,
      // not signed in yet, which isn't a failure
      state: { ...state, error: state.status === 'signed-out' && !this.#wasOnline ? null : state.error },
    };
  }
}

/** Copies as the browser's own command does: what is selected. */
function copySelected(text: string): void {
  const focused = document.activeElement as HTMLElement | null;
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.style.cssText = 'position: fixed; opacity: 0';
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  if (!isCopied) throw new Error('The browser did not copy the text.');
}

function subscribe<L>(set: Set<L>, listener: L): Unsubscribe {
  set.add(listener);
  return () => set.delete(listener);
}
