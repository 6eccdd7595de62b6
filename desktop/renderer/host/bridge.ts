import { UnreachableError } from '#shared/client/errors.ts';
import type { WireAnswer, WireRequest } from '#shared/client/wire.ts';
import type { ErrorDetail } from '#shared/errors.ts';
import type { Connection, Credential } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { IpcError } from '#shared/ipc/failure.ts';
import type { DesktopBridge } from '#shared/ipc/index.ts';

export type Unsubscribe = () => void;

/** A credential as it is typed in; `code` alone answers a question for the second factor. */
export type SignIn = Credential | { kind: 'code'; code: string };

/**
 * What the renderer needs of its host: `bridge-desktop.ts` over the preload's `window.streamhub`, `bridge-web.ts` in a
 * browser. Nothing else in the renderer knows where it runs, and no call ever gives a stored credential back.
 */
export interface Bridge {
  readonly host: 'desktop' | 'web';

  /** Every daemon that the person has added, in their order. */
  connections(): Promise<Connection[]>;
  /** Called with the whole list after each change of it or of a state in it. */
  onConnections(listener: (connections: Connection[]) => void): Unsubscribe;

  /** Sends a request to a daemon. Rejects only when no answer arrived; an error status is an answer. */
  request(connectionId: string, request: WireRequest, signal: AbortSignal): Promise<WireAnswer>;
  /** Events of all connections, from streams that the host keeps open and resumes. */
  onEvents(listener: (connectionId: string, events: StreamEvent[]) => void): Unsubscribe;
  /** Events were lost: what is shown of the connection has to be read again. */
  onGap(listener: (connectionId: string) => void): Unsubscribe;
  /** Opens another event stream, e.g. a live tail; it is resumed until it is closed. */
  openStream(connectionId: string, path: string, listener: StreamListener): Unsubscribe;

  /** Signs in, and stays signed in after the app or the browser is closed if `keep` is true. Rejects with a HostError. */
  signIn(connectionId: string, credential: SignIn, keep: boolean): Promise<void>;
  signOut(connectionId: string): Promise<void>;
  /** Another tab signed out: this tab must drop its data too. */
  onSignedOut?(listener: (connectionId: string) => void): Unsubscribe;
  /** Tries a lost connection now instead of at its next turn. */
  retry(connectionId: string): Promise<void>;

  copyText(text: string): Promise<void>;
  /** Gives the person a file; `false` when they changed their mind. */
  saveText(suggestedName: string, text: string): Promise<boolean>;

  /** What only a desktop has: more connections, keychain, local daemon, terminal, shell. */
  readonly desktop?: DesktopBridge;
}

export interface StreamListener {
  onEvents(events: StreamEvent[]): void;
  onState(state: 'open' | 'waiting' | 'closed', error?: string): void;
}

/** The host could not do what was asked; `message` is a sentence for people. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: string;
  readonly hint: string | undefined;
  /** Fields that the daemon refused. */
  readonly details: readonly ErrorDetail[];

  constructor(error: Omit<IpcError, 'code'> & { code: string }) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
    const fields = error.details?.['fields'];
    this.details = Array.isArray(fields) ? (fields as ErrorDetail[]) : [];
  }
}

/** The error of a request that got no answer. */
export function unreachable({ code, message }: IpcError, { method, path }: WireRequest): UnreachableError {
  const reason = code === 'TIMED_OUT' ? 'timeout' : code === 'NOT_STREAMHUB' ? 'not-streamhub' : 'network';
  return new UnreachableError(reason, message, { method, path, at: new Date().toISOString() });
}
