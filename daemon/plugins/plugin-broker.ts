import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { BrokerAnswer, BrokerRequest } from './broker-client.ts';
import type { Lease } from './processes.ts';
import type { CallLimits, Fault } from './wire/connection.ts';
import { toWireError } from './wire/protocol.ts';

export interface BrokerDeps {
  limits: CallLimits;
  /** @throws StorageError when the plugin cannot be used now */
  lease(plugin: string): Promise<Lease>;
  onFault(plugin: string, fault: Fault): void;
}

/**
 * Runs one worker task that may use plugins. The daemon starts plugin processes on request and releases them when the task
 * ends.
 * @param run receives the port to transfer to the worker, which opens a `BrokerClient` on it
 */
export async function runWithBroker<T>(
  { limits, lease, onFault }: BrokerDeps,
  run: (port: MessagePort) => Promise<T>,
): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  const held: { plugin: string; lease: Lease }[] = [];
  let isOver = false;
  const open = async (ask: number, plugin: string): Promise<BrokerAnswer> => {
    try {
      const granted = await lease(plugin);
      if (isOver) granted.release();
      else held.push({ plugin, lease: granted });
      return { ask, address: granted.address, limits };
    } catch (error) {
      return { ask, refused: toWireError(error instanceof StorageError ? error : new StorageError('FAILED')) };
    }
  };
  const take = (message: BrokerRequest): void => {
    if ('ask' in message) {
      void open(message.ask, message.plugin).then((answer) => port1.postMessage(answer));
      return;
    }
    const found = held.find((one) => one.lease.address === message.address);
    if (found === undefined) return;
    onFault(found.plugin, message.fault);
    if (message.fault.kind === 'broken') found.lease.kill(message.fault.reason);
    else if (message.fault.kind === 'slow') found.lease.checkAlive();
  };
  port1.on('message', take);
  try {
    return await run(port2);
  } finally {
    isOver = true;
    // read the worker's last messages before the port closes
    for (let left = receiveMessageOnPort(port1); left !== undefined; left = receiveMessageOnPort(port1)) {
      take(left.message as BrokerRequest);
    }
    port1.close();
    for (const { lease: one } of held) one.release();
  }
}
