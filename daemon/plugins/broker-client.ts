import type { MessagePort } from 'node:worker_threads';
import type { CallLimits, Fault } from './wire/connection.ts';
import { fromWireError, type WireError } from './wire/protocol.ts';

/** From a worker to the daemon. */
export type BrokerRequest =
  | { ask: number; plugin: string }
  /** Reports a fault of the process at this address. */
  | { address: string; fault: Fault };

/** From the daemon to a worker. */
export type BrokerAnswer = { ask: number } & ({ address: string | null; limits: CallLimits } | { refused: WireError });

/** A worker's access to plugins during one task: the daemon starts their processes and returns their addresses. */
export class BrokerClient {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (answer: BrokerAnswer) => void>();
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: BrokerAnswer) => {
      this.#waiting.get(answer.ask)?.(answer);
      this.#waiting.delete(answer.ask);
    });
  }

  /**
   * Asks for a plugin. The daemon keeps it running until the task ends.
   * @returns where its process listens; null when its code runs in this worker
   * @throws StorageError when it cannot be used now
   */
  async open(plugin: string): Promise<{ address: string | null; limits: CallLimits }> {
    const ask = this.#next++;
    const { promise, resolve } = Promise.withResolvers<BrokerAnswer>();
    this.#waiting.set(ask, resolve);
    this.#port.postMessage({ ask, plugin } satisfies BrokerRequest);
    const answer = await promise;
    if ('refused' in answer) throw fromWireError(answer.refused);
    return answer;
  }

  /** Reports a process that misbehaves. */
  report(address: string, fault: Fault): void {
    this.#port.postMessage({ address, fault } satisfies BrokerRequest);
  }

  close(): void {
    this.#port.close();
  }
}

/** Gives a task access to plugins while `work` runs. */
export async function withPlugins<T>(port: MessagePort, work: (broker: BrokerClient) => Promise<T>): Promise<T> {
  const broker = new BrokerClient(port);
  try {
    return await work(broker);
  } finally {
    broker.close();
  }
}
