import { baseUrl } from '#shared/connection/address.ts';
import type { Secret } from '#shared/connection/secret.ts';
import { endSession, signIn } from '#shared/connection/sign-in.ts';
import type { Credential, TestReport, TestStep } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { type DiagnoseOptions, diagnose } from './diagnose.ts';
import type { Entry } from './entry.ts';
import { recognise } from './probe.ts';
import { type Route, Transport } from './transport.ts';

/** An address that is not a connection yet. */
export interface Candidate {
  url: string;
  credential?: Credential;
  fingerprint?: string;
}

/** Running connection tests, each of which can be given up. */
export class ConnectionTests {
  readonly #emit: Emit;
  readonly #running = new Map<string, AbortController>();

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Tests a connection with the credential that it has. */
  async known({ record, connection }: Entry, testId: string | undefined): Promise<TestReport> {
    const route = { base: record.url, pinned: record.pinned?.fingerprint ?? null };
    return await this.#run(route, testId, (transport) => async (signal) => {
      const { authorization = '' } = await connection.authorization();
      return await recognise(transport, authorization.slice('Bearer '.length), signal);
    });
  }

  /** Tests an address with what was typed. A session that was opened for it is ended again. */
  async candidate({ url, credential, fingerprint }: Candidate, testId: string | undefined): Promise<TestReport> {
    const route = { base: baseUrl(url), pinned: fingerprint ?? null };
    if (credential === undefined) return await this.#run(route, testId, () => undefined);
    return await this.#run(route, testId, (transport) => async (signal) => {
      // a link works once: trying it here would use it up
      if (credential.kind === 'exchange') return { accepted: true, account: null };
      const secret: Secret = await signIn(transport, credential, signal);
      try {
        return await recognise(transport, secret.token, signal);
      } finally {
        await endSession(transport, secret).catch(() => {});
      }
    });
  }

  stop(testId: string): void {
    this.#running.get(testId)?.abort();
  }

  stopAll(): void {
    for (const test of this.#running.values()) test.abort();
  }

  async #run(
    route: Route,
    testId: string | undefined,
    recogniser: (transport: Transport) => DiagnoseOptions['recognise'],
  ): Promise<TestReport> {
    const stop = new AbortController();
    if (testId !== undefined) this.#running.set(testId, stop);
    const transport = new Transport(route);
    const recognised = recogniser(transport);
    try {
      return await diagnose({
        transport,
        ...(recognised === undefined ? {} : { recognise: recognised }),
        onStep: (step: TestStep) => {
          if (testId !== undefined) this.#emit('connections:testStep', { testId, step });
        },
        signal: stop.signal,
      });
    } finally {
      if (testId !== undefined) this.#running.delete(testId);
      await transport.close();
    }
  }
}
