/** Where and when a request was made: what a person copies into a report. */
export interface RequestTrace {
  method: string;
  path: string;
  at: string;
}

/** One request as it moves to a daemon; the credential is added by anyone who sends it. */
export interface WireRequest {
  method: string;
  /** Path from the server's root, with the query. */
  path: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

export interface WireAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** Takes a request to the daemon and back. Rejects only when no answer arrived. */
export type Send = (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>;

/** What a call needs to know of an operation. */
export interface OperationAddress {
  id: string;
  method: string;
  /** Path below `/api/v1`, parameters as `{name}`. */
  path: string;
  /** True for a route at the server's root instead of `/api/v1`. */
  root?: boolean;
  /** Media type of the answer where it is not JSON. */
  produces?: string;
}

/** An operation without its schemas: what the client needs to call it. */
export interface PlainOperation extends OperationAddress {
  /** Its answer is a list; `pages`: with `limit` and `offset`. */
  list?: 'whole' | 'pages';
  /** It creates something that is kept, so it is sent with an `Idempotency-Key` where it may be repeated. */
  creates?: true;
}

/** Parts of a call, of any operation. */
export interface RequestInput {
  params?: object;
  query?: object;
  headers?: Record<string, string>;
  body?: unknown;
  /** Sent as it is, in the place of `body`. */
  file?: Uint8Array | Blob | undefined;
}

export interface CallOptions {
  /** Ends the call; its promise is rejected with the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until an attempt is given up; 30 s by default. */
  timeout?: number;
  /**
   * How often a call is repeated after a broken connection or the answers 429, 502, 503 and 504. Only calls that can't do
   * something twice are repeated: GET, PUT and DELETE, and POST with an `Idempotency-Key`.
   */
  retries?: number;
}

export interface Answer<T> {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  data: T;
}

/** What the types of one operation say. */
export interface OperationTypes {
  input: object;
  result: unknown;
  kind: 'json' | 'list' | 'download' | 'events';
}
