import type { MessagePort } from 'node:worker_threads';
import type { CallLimits, Fault } from './wire/connection.ts';
import { fromWireError, type WireError } from './wire/protocol.ts';

/** From a worker to the daemon. */
export type DoorRequest =
  | { ask: number; plugin: string }
  /** What a plugin did, named by the address of its process. */
  | { address: string; fault: Fault };

/** From the daemon to a worker. */
export type DoorAnswer = { ask: number } & ({ address: string | null; limits: CallLimits } | { refused: WireError });

/** How a worker reaches plugins during one task: the daemon starts their processes and says where they are. */
export class PluginDoor {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (answer: DoorAnswer) => void>();
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: DoorAnswer) => {
      this.#waiting.get(answer.ask)?.(answer);
      this.#waiting.delete(answer.ask);
    });
  }

  /**
   * Asks for a plugin, which is then held for this task until its end.
   * @returns where its process listens; null when its code runs in this worker
   * @throws StorageError when it cannot be used now
   */
  async open(plugin: string): Promise<{ address: string | null; limits: CallLimits }> {
    const ask = this.#next++;
    const { promise, resolve } = Promise.withResolvers<DoorAnswer>();
    this.#waiting.set(ask, resolve);
    this.#port.postMessage({ ask, plugin } satisfies DoorRequest);
    const answer = await promise;
    if ('refused' in answer) throw fromWireError(answer.refused);
    return answer;
  }

  /** Tells the daemon of a process that misbehaves. */
  report(address: string, fault: Fault): void {
    this.#port.postMessage({ address, fault } satisfies DoorRequest);
  }

  close(): void {
    this.#port.close();
  }
}

/** Runs a task's work with its door. */
export async function throughDoor<T>(port: MessagePort, work: (door: PluginDoor) => Promise<T>): Promise<T> {
  const door = new PluginDoor(port);
  try {
    return await work(door);
  } finally {
    door.close();
  }
}
