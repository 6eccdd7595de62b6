import type { MessagePort } from 'node:worker_threads';
import { openStorage } from '#daemon/apps/storage/open-client.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { type BackupFault, faultOf } from '../manifest.ts';
import { endOf } from '../task-end.ts';
import { type BackupStorage, storageFault } from './backup-write.ts';

export interface BackupSendInput {
  storage: BackupStorage;
  /** First and last byte. */
  range: { start: number; end: number };
  /** Gets `Sent`, and gives a message for each part that may follow. Closed when nobody takes them any more. */
  port: MessagePort;
}

/** `opened` once the storage has answered, then the bytes; null = all were sent. */
export type Sent = { opened: true } | { bytes: Uint8Array<ArrayBuffer> | null };

export type BackupSendOutput = null | { fault: BackupFault };

/** Passes on bytes of an object as they are taken. */
export default async function backupSend({ storage, range, port }: BackupSendInput): Promise<BackupSendOutput> {
  const signal = await endOf(port);
  const asked = turns(port, signal);
  try {
    await withPlugins(storage.port, async (broker) => {
      const { client } = await openStorage(storage.access, broker);
      try {
        const { body } = await client.get(storage.key, { range, signal });
        port.postMessage({ opened: true } satisfies Sent);
        for await (const chunk of body as AsyncIterable<Buffer>) {
          await asked();
          signal.throwIfAborted();
          const bytes = Uint8Array.from(chunk);
          port.postMessage({ bytes } satisfies Sent, [bytes.buffer]);
        }
        port.postMessage({ bytes: null } satisfies Sent);
      } finally {
        client.dispose();
      }
    });
    return null;
  } catch (error) {
    if (signal.aborted) return null;
    const fault = storageFault(error) ?? faultOf(error);
    if (fault === undefined) throw error;
    return { fault };
  }
}

/** Waits for the next message of a port; its end counts as one. */
function turns(port: MessagePort, end: AbortSignal): () => Promise<void> {
  let open = 0;
  let wake = (): void => {};
  const add = (): void => {
    open += 1;
    wake();
  };
  port.on('message', add);
  end.addEventListener('abort', add);
  return async () => {
    if (open === 0 && !end.aborted) await new Promise<void>((resolve) => (wake = resolve));
    open -= 1;
  };
}
