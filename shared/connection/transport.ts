import type { WireAnswer } from '../client/wire.ts';

export interface TransportRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base, e.g. `/api/v1/apps`. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | null;
  signal?: AbortSignal | undefined;
  /** Milliseconds until the answer must be there (for a stream: must have begun); 30 s by default. */
  timeoutMs?: number;
  maxBytes?: number;
}

export interface StreamAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
  /** Drops a body that nobody reads. */
  cancel(): void;
}

/** Carries requests to one daemon: `fetch` in a browser, undici in the desktop app. Every failure is an `IpcFailure`. */
export interface Transport {
  /** Origin and prefix of the daemon, without a slash at the end. */
  readonly base: string;
  /** Sends a request and reads the whole answer. Every status is an answer. */
  request(request: TransportRequest): Promise<WireAnswer>;
  /** Sends a request and passes on the answer as it comes. */
  stream(request: TransportRequest): Promise<StreamAnswer>;
  close(): Promise<void>;
}
