import { API_BASE } from '#shared/client/base.ts';
import { packSecret } from '#shared/connection/secret.ts';
import { postSignIn } from '#shared/connection/sign-in.ts';
import type { Transport } from '#shared/connection/transport.ts';
import type { Connection, Credential } from '#shared/ipc/connections.ts';
import { IpcFailure } from '#shared/ipc/failure.ts';
import { BASE_PATH, TABS_CHANNEL } from './base.ts';

/** How the person signed in last; decides only what is shown first, and proves nothing. */
const SIGNED_IN = `streamhub.signed-in${BASE_PATH}`;
/** The daemon was unreachable at the sign-out; it learns of it once it is back. */
const SIGNING_OUT = `streamhub.signing-out${BASE_PATH}`;
/** Where earlier versions kept the credential of a tab. */
const FORMER = 'streamhub.credential';

type Kind = Connection['credential']['kind'];

/**
 * The session of this browser, shared by its tabs. The credential is a cookie that no page can read: here are only the
 * ways to get one and to give it back, and what the other tabs have to know.
 */
export class BrowserSession {
  readonly #transport: Transport;
  readonly #tabs = new BroadcastChannel(TABS_CHANNEL);
  #preparing: Promise<string | null> | undefined;
  #kind: Kind = kindOf(localStorage.getItem(SIGNED_IN));

  /** @param onOther another tab signed in or out */
  constructor(transport: Transport, onOther: (what: 'in' | 'out') => void) {
    this.#transport = transport;
    this.#tabs.onmessage = ({ data }) => onOther(data === 'in' ? 'in' : 'out');
  }

  /** Somebody was signed in when the browser showed the console last. */
  get isExpected(): boolean {
    return localStorage.getItem(SIGNED_IN) !== null || sessionStorage.getItem(FORMER) !== null;
  }

  get kind(): Kind {
    return this.#kind;
  }

  /** The daemon accepted the cookie, or it did not. */
  note(kind: Kind | null): void {
    if (kind === null) localStorage.removeItem(SIGNED_IN);
    else {
      this.#kind = kind;
      localStorage.setItem(SIGNED_IN, kind);
    }
  }

  /** Finishes what is left to do before the cookie is used. @returns null after a sign-out that the daemon doesn't know of */
  secret(): Promise<string | null> {
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /** @param credential what was typed, or a link */
  async open(credential: Credential, keep: boolean): Promise<void> {
    await this.#preparing?.catch(() => {});
    const cookie = keep ? 'keep' : 'session';
    switch (credential.kind) {
      case 'token':
        await this.#exchange(credential.token.trim(), keep);
        break;
      case 'password': {
        const { user, password, code } = credential;
        const body = { user, password, cookie, ...(code ? { code } : {}) };
        await postSignIn(this.#transport, `${API_BASE}/auth/login`, body);
        break;
      }
      case 'exchange':
        await postSignIn(this.#transport, credential.path, { ...credential.body, cookie });
    }
    localStorage.removeItem(SIGNING_OUT);
    this.note(credential.kind === 'token' ? 'token' : 'password');
    this.#tabs.postMessage('in');
  }

  /** Ends the session. Without the daemon only here, and there once it is back. */
  async end(): Promise<void> {
    localStorage.setItem(SIGNING_OUT, '1');
    sessionStorage.removeItem(FORMER);
    this.note(null);
    this.#tabs.postMessage('out');
    await this.#tellEnd().catch(() => {});
  }

  async #prepare(): Promise<string | null> {
    if (localStorage.getItem(SIGNING_OUT) !== null) {
      await this.#tellEnd();
      return null;
    }
    const former = sessionStorage.getItem(FORMER);
    if (former !== null) {
      // a refused one isn't kept here either
      await this.#exchange(former, false).catch((error: unknown) => {
        if (!(error instanceof IpcFailure && error.code === 'SIGN_IN_FAILED')) throw error;
      });
      sessionStorage.removeItem(FORMER);
    }
    return packSecret({ kind: 'cookie', token: '' });
  }

  #exchange(token: string, keep: boolean): Promise<unknown> {
    const headers = { authorization: `Bearer ${token}` };
    return postSignIn(this.#transport, `${API_BASE}/auth/browser-session`, { keep }, { headers });
  }

  async #tellEnd(): Promise<void> {
    const answer = await this.#transport.request({
      method: 'POST',
      path: `${API_BASE}/auth/sign-out`,
      timeoutMs: 5000,
    });
    if (answer.status < 500) localStorage.removeItem(SIGNING_OUT);
  }
}

const kindOf = (text: string | null): Kind => (text === 'token' ? 'token' : 'password');
