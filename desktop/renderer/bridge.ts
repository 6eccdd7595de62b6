import type { WireAnswer, WireRequest } from '#shared/client/client.ts';
import type { ServerEvent } from '#shared/client/event-parser.ts';

/**
 * What the renderer needs of its host. The desktop's main process offers it through the preload script, the browser
 * through `bridge-web.ts`; nothing else in the renderer knows where it runs. No call ever carries a stored credential.
 */
export interface Bridge {
  readonly host: 'desktop' | 'web';

  /** Every daemon that the person has added, in their order. */
  connections(): Promise<Connection[]>;
  /** Called with the whole list after each change of it or of a state in it. */
  onConnections(listener: (connections: Connection[]) => void): Unsubscribe;

  /** Sends a request to a daemon. Rejects only when no answer arrived; an error status is an answer. */
  request(connectionId: string, request: WireRequest, signal: AbortSignal): Promise<WireAnswer>;
  /** The events of all connections, from streams that the host keeps open and resumes. */
  onEvent(listener: (connectionId: string, event: ServerEvent) => void): Unsubscribe;

  signIn(connectionId: string, credential: Credential): Promise<SignInResult>;
  signOut(connectionId: string): Promise<void>;
  /** Tries a lost connection now instead of at its next turn. */
  reconnect(connectionId: string): Promise<void>;

  /** What only a desktop has; absent in a browser. */
  readonly desktop?: DesktopBridge;
}

export type Unsubscribe = () => void;

/**
 * - `connecting`: first try, or trying again after a sign-in. `connected`: the last request was answered.
 * - `unreachable`: no answer; tried again by itself at `nextTryAt`. `signed-out`: there is no credential or it was refused.
 * - `untrusted`: its certificate is not the one that was trusted. `incompatible`: no StreamHub daemon, or too old a one.
 */
export type ConnectionStatus = 'connecting' | 'connected' | 'unreachable' | 'signed-out' | 'untrusted' | 'incompatible';

export interface Connection {
  id: string;
  name: string;
  /** Origin of the daemon, e.g. `https://studio.example.com`. */
  url: string;
  /** One of the palette's colour names. */
  color: string;
  status: ConnectionStatus;
  /** ISO instants. */
  since: string;
  lastAnswerAt: string | null;
  nextTryAt: string | null;
  /** Milliseconds of the last answer. */
  latency: number | null;
  version: string | null;
  /** Why it is not connected, in a sentence. */
  problem: string | null;
  /** The event stream is open. */
  live: boolean;
  /** The credential will be gone when the app ends. */
  sessionOnly: boolean;
}

export type Credential =
  | { kind: 'token'; token: string; remember: boolean }
  | { kind: 'password'; user: string; password: string; code?: string; remember: boolean }
  /** The one-time link by which the first person sets the admin password, or an invitation. */
  | { kind: 'session'; token: string; remember: boolean };

export type SignInResult =
  | { ok: true }
  | { ok: false; code: string; message: string; hint?: string; requestId?: string };

export interface NewConnection {
  url: string;
  name?: string;
  color?: string;
  credential?: Credential;
  /** SHA-256 of the certificate that the person accepted. */
  fingerprint?: string;
}

export interface TestStep {
  id: 'resolve' | 'reach' | 'tls' | 'version' | 'sign-in' | 'rights';
  state: 'waiting' | 'running' | 'passed' | 'failed' | 'skipped';
  message: string;
  /** What to do about a failure. */
  cure?: string;
  /** Certificate's SHA-256, when step `tls` failed because it is not known. */
  fingerprint?: string;
}

export type KeychainState = 'available' | 'locked' | 'absent';

export interface DesktopBridge {
  /** Runs the numbered steps against a daemon that is not added yet; `onSteps` is called after each. */
  testConnection(connection: NewConnection, onSteps: (steps: TestStep[]) => void, signal: AbortSignal): Promise<TestStep[]>;
  addConnection(connection: NewConnection): Promise<Connection>;
  updateConnection(id: string, change: { name?: string; color?: string; fingerprint?: string }): Promise<void>;
  orderConnections(ids: string[]): Promise<void>;
  removeConnection(id: string): Promise<void>;

  keychain(): Promise<{ state: KeychainState; detail: string }>;
  localDaemon(): Promise<LocalDaemon>;
  startLocalDaemon(): Promise<LocalDaemon>;
  stopLocalDaemon(): Promise<void>;
  onLocalDaemon(listener: (daemon: LocalDaemon) => void): Unsubscribe;

  openTerminal(size: { cols: number; rows: number }): Promise<Terminal>;
  /** What was tried and found, for a report; without secrets. */
  diagnostics(): Promise<string>;
  openExternal(url: string): Promise<void>;
  /** A command chosen in the native menu or tray: the id of a palette action, or a path to go to. */
  onCommand(listener: (command: { action?: string; path?: string }) => void): Unsubscribe;
}

export interface LocalDaemon {
  state: 'absent' | 'starting' | 'running' | 'stopped' | 'failed';
  connectionId: string | null;
  url: string | null;
  detail: string | null;
}

export interface Terminal {
  write(data: string): void;
  resize(size: { cols: number; rows: number }): void;
  onData(listener: (data: string) => void): Unsubscribe;
  onExit(listener: (exit: { code: number }) => void): Unsubscribe;
  close(): void;
}
