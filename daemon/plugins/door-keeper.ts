import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { DoorAnswer, DoorRequest } from './door.ts';
import type { Lease } from './processes.ts';
import type { CallLimits, Fault } from './wire/connection.ts';
import { toWireError } from './wire/protocol.ts';

export interface DoorKeeperDeps {
  limits: CallLimits;
  /** @throws StorageError when the plugin cannot be used now */
  lease(plugin: string): Promise<Lease>;
  onFault(plugin: string, fault: Fault): void;
}

/**
 * Opens a door to plugins for one task of a worker, and closes it behind the task.
 * @param run gets the port that is to be transferred to the worker
 */
export async function keepDoor<T>(
  { limits, lease, onFault }: DoorKeeperDeps,
  run: (port: MessagePort) => Promise<T>,
): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  const held: { plugin: string; lease: Lease }[] = [];
  let isOver = false;
  const open = async (ask: number, plugin: string): Promise<DoorAnswer> => {
    try {
      const granted = await lease(plugin);
      if (isOver) granted.release();
      else held.push({ plugin, lease: granted });
      return { ask, address: granted.address, limits };
    } catch (error) {
      return { ask, refused: toWireError(error instanceof StorageError ? error : new StorageError('FAILED')) };
    }
  };
  const take = (message: DoorRequest): void => {
    if ('ask' in message) {
      void open(message.ask, message.plugin).then((answer) => port1.postMessage(answer));
      return;
    }
    const found = held.find((one) => one.lease.address === message.address);
    if (found === undefined) return;
    onFault(found.plugin, message.fault);
    if (message.fault.kind === 'broken') found.lease.kill(message.fault.reason);
    else found.lease.doubt();
  };
  port1.on('message', take);
  try {
    return await run(port2);
  } finally {
    isOver = true;
    // what a worker told last must not be lost with the port
    for (let left = receiveMessageOnPort(port1); left !== undefined; left = receiveMessageOnPort(port1)) {
      take(left.message as DoorRequest);
    }
    port1.close();
    for (const { lease: one } of held) one.release();
  }
}
