import { API_BASE, Client, type WireAnswer, type WireRequest } from '#shared/client/client.ts';
import { refusalOf } from '#shared/client/errors.ts';
import type { ServerEvent } from '#shared/client/event-parser.ts';
import { eventStream } from '#shared/client/event-stream.ts';
import { fetchSend } from '#shared/client/fetch-send.ts';
import { getHealth } from '#shared/contract/system.ts';
import type { Connection, ConnectionState, ConnectionStatus } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { type Bridge, HostError, type SignIn, type StreamListener, type Unsubscribe } from './bridge.ts';

const STORED = 'streamhub.credential';
const CHECK_WAITS = [1000, 2000, 5000, 10_000, 30_000];
const HEALTH_EVERY = 30_000;
/** Id of the one connection that a browser has: the daemon that served the page. */
export const HERE = 'here';

interface Subscribers {
  connections: Set<(connections: Connection[]) => void>;
  events: Set<(id: string, events: StreamEvent[]) => void>;
  gap: Set<(id: string) => void>;
}

/** The browser as host: one daemon, the page's own origin; the credential lives in this tab only. */
export class WebBridge implements Bridge {
  readonly host = 'web';
  readonly #subscribers: Subscribers = { connections: new Set(), events: new Set(), gap: new Set() };
  #credential: string | undefined;
  #connection: Connection;
  #pendingPassword: { user: string; password: string } | undefined;
  #endEvents: Unsubscribe | undefined;
  #lastEventId: string | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#credential = sessionStorage.getItem(STORED) ?? undefined;
    this.#connection = pageOrigin(this.#credential === undefined ? 'signed-out' : 'connecting');
    void this.#check();
    if (this.#credential !== undefined) this.#openEvents();
  }

  async connections(): Promise<Connection[]> {
    return [this.#connection];
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
    const used = this.#credential;
    let answer: WireAnswer;
    try {
      answer = await fetchSend('', () => used)(request, signal);
    } catch (error) {
      // a request that its page gave up says nothing of the daemon
      if (!signal.aborted) this.#lost(request, error as Error);
      throw error;
    }
    this.#answered();
    if (answer.status === 401 && used !== undefined && used === this.#credential) this.#refused(answer.body);
    return answer;
  }

  openStream(_id: string, path: string, listener: StreamListener): Unsubscribe {
    return eventStream({
      open: (lastEventId, signal) => this.#openStream(path, lastEventId, signal),
      onEvent: (event) => listener.onEvents([streamEvent(event)]),
      onState: (state, reason) => {
        if (state === 'live') listener.onState('open');
        else if (reason?.status !== undefined) listener.onState('closed', `The daemon answered HTTP ${reason.status}.`);
        else listener.onState('waiting', reason?.error instanceof Error ? reason.error.message : undefined);
      },
    });
  }

  async signIn(_id: string, signIn: SignIn): Promise<void> {
    if (signIn.kind === 'token') {
      const answer = await this.#ask('GET', '/auth/me', undefined, signIn.token.trim());
      if (answer.status === 401) throw refusal(answer);
      this.#adopt(signIn.token.trim());
      return;
    }
    if (signIn.kind === 'exchange') {
      const answer = await this.#ask('POST', signIn.path.slice(API_BASE.length), signIn.body);
      if (answer.status >= 300) throw refusal(answer);
      this.#adopt((JSON.parse(answer.body) as { data: { token: string } }).data.token);
      return;
    }
    const password = signIn.kind === 'password' ? signIn : this.#pendingPassword;
    if (password === undefined) throw new HostError({ code: 'NO_CREDENTIAL', message: 'Type the password again.' });
    const { user, password: secret } = password;
    const code = signIn.code === undefined || signIn.code === '' ? {} : { code: signIn.code };
    const answer = await this.#ask('POST', '/auth/login', { user, password: secret, ...code });
    if (answer.status !== 200) {
      const refused = refusal(answer);
      this.#pendingPassword =
        refused.code === 'TOTP_REQUIRED' || refused.code === 'TOTP_INVALID' ? { user, password: secret } : undefined;
      throw refused;
    }
    this.#pendingPassword = undefined;
    this.#adopt((JSON.parse(answer.body) as { data: { token: string } }).data.token);
  }

  async signOut(): Promise<void> {
    const secret = this.#credential;
    this.#credential = undefined;
    sessionStorage.removeItem(STORED);
    this.#endEvents?.();
    this.#endEvents = undefined;
    this.#lastEventId = undefined;
    this.#set('signed-out', { live: false, error: null, account: null });
    // a session ends by itself: signing out must work while the daemon is away
    if (secret?.startsWith('sk_') === false)
      await this.#ask('DELETE', '/auth/sessions/current', undefined, secret).catch(() => {});
  }

  async retry(): Promise<void> {
    await this.#check();
    if (this.#credential !== undefined && !this.#connection.state.live) this.#openEvents();
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

  #adopt(token: string): void {
    this.#credential = token;
    sessionStorage.setItem(STORED, token);
    this.#set('online', { error: null });
    this.#openEvents();
  }

  #ask(method: string, path: string, body?: unknown, secret?: string): Promise<WireAnswer> {
    const headers = {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const request = {
      method,
      path: API_BASE + path,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return fetchSend('', () => secret)(request, AbortSignal.timeout(30_000)).catch((error: Error) => {
      throw new HostError({ code: 'UNREACHABLE', message: `The daemon cannot be reached: ${error.message}` });
    });
  }

  #openStream(path: string, lastEventId: string | undefined, signal: AbortSignal): Promise<Response> {
    return fetch(path, {
      headers: {
        accept: 'text/event-stream',
        ...(this.#credential === undefined ? {} : { authorization: `Bearer ${this.#credential}` }),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      credentials: 'omit',
      cache: 'no-store',
      signal,
    });
  }

  #openEvents(): void {
    this.#endEvents?.();
    const used = this.#credential;
    this.#endEvents = eventStream({
      ...(this.#lastEventId === undefined ? {} : { lastEventId: this.#lastEventId }),
      open: (lastEventId, signal) => this.#openStream(`${API_BASE}/events`, lastEventId, signal),
      onEvent: (event) => {
        if (event.id !== undefined) this.#lastEventId = event.id;
        if (event.event === 'reset') for (const listener of this.#subscribers.gap) listener(HERE);
        else for (const listener of this.#subscribers.events) listener(HERE, [streamEvent(event)]);
      },
      onState: (state, reason) => {
        if (used !== this.#credential) return;
        this.#state({ live: state === 'live' });
        if (reason?.status === 401) this.#refused('');
        else if (state === 'down' && this.#connection.state.status === 'online') void this.#check();
      },
    });
  }

  /** Asks for the daemon's health, now and from then on. */
  async #check(): Promise<void> {
    clearTimeout(this.#checkTimer);
    const send = fetchSend('', () => undefined);
    const started = performance.now();
    try {
      const health = await new Client(send).call(getHealth, undefined, { timeout: 10_000 });
      this.#state({ version: health.version, latencyMs: Math.round(performance.now() - started) });
      this.#answered();
      this.#checkTimer = setTimeout(() => void this.#check(), HEALTH_EVERY);
    } catch (error) {
      this.#lost({ method: 'GET', path: `${API_BASE}/health`, headers: {} }, error as Error);
    }
  }

  #answered(): void {
    const { status, live } = this.#connection.state;
    const seen = { lastSeenAt: new Date().toISOString(), attempts: 0, nextTryAt: null, error: null };
    if (this.#credential === undefined) {
      if (status === 'signed-out') this.#connection.state.lastSeenAt = seen.lastSeenAt;
      else this.#set('signed-out', seen);
    } else if (status === 'offline' || status === 'connecting') {
      this.#set('online', seen);
      if (!live) this.#openEvents();
    } else this.#connection.state.lastSeenAt = seen.lastSeenAt;
  }

  #lost({ method, path }: WireRequest, error: Error): void {
    clearTimeout(this.#checkTimer);
    const { attempts } = this.#connection.state;
    const wait = CHECK_WAITS[Math.min(attempts, CHECK_WAITS.length - 1)] ?? 1000;
    this.#checkTimer = setTimeout(() => void this.#check(), wait);
    const at = new Date();
    this.#set('offline', {
      live: false,
      attempts: attempts + 1,
      nextTryAt: new Date(at.getTime() + wait).toISOString(),
      error: {
        code: 'CONNECTION_LOST',
        message: 'The daemon does not answer.',
        hint: `${method} ${path}: ${error.message}`,
        at: at.toISOString(),
      },
    });
  }

  #refused(body: string): void {
    this.#endEvents?.();
    const message = refusalOf(401, body)?.message ?? 'The session has ended or the token was revoked.';
    this.#set('signed-out', {
      live: false,
      error: { code: 'SIGN_IN_FAILED', message, at: new Date().toISOString() },
    });
  }

  #set(status: ConnectionStatus, more: Partial<ConnectionState>): void {
    const { state } = this.#connection;
    this.#state({ status, since: status === state.status ? state.since : new Date().toISOString(), ...more });
  }

  #state(change: Partial<ConnectionState>): void {
    this.#connection = { ...this.#connection, state: { ...this.#connection.state, ...change } };
    for (const listener of this.#subscribers.connections) listener([this.#connection]);
  }
}

function subscribe<L>(set: Set<L>, listener: L): Unsubscribe {
  set.add(listener);
  return () => set.delete(listener);
}

function streamEvent({ id, event, data }: ServerEvent): StreamEvent {
  let parsed: unknown = data;
  try {
    parsed = JSON.parse(data);
  } catch {
    // plain text stays as it is
  }
  return { id: id ?? null, type: event, data: parsed };
}

function refusal(answer: WireAnswer): HostError {
  const known = refusalOf(answer.status, answer.body);
  return new HostError({
    code: known?.code ?? `HTTP_${answer.status}`,
    message: known?.message ?? `The daemon answered HTTP ${answer.status}.`,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    ...(known?.details === undefined ? {} : { fields: known.details }),
  });
}

function pageOrigin(status: ConnectionStatus): Connection {
  const now = new Date().toISOString();
  return {
    id: HERE,
    name: location.host,
    url: location.origin,
    colour: '#2459d3',
    kind: 'remote',
    credential: { kind: 'token', user: null, kept: 'session' },
    pinned: null,
    addedAt: now,
    state: {
      status,
      since: now,
      lastSeenAt: null,
      latencyMs: null,
      version: null,
      account: null,
      live: false,
      error: null,
      attempts: 0,
      nextTryAt: null,
      certificate: null,
    },
  };
}
