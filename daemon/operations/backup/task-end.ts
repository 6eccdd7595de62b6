import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/**
 * The ports between the daemon and a task, which ends when the daemon closes its port. A port tells that only once, also while
 * its task is still being loaded. The first message holds it back: a port with a message stays open until somebody reads.
 */
export function taskChannel(): MessageChannel {
  const channel = new MessageChannel();
  channel.port1.postMessage(null);
  return channel;
}

/** In a task: aborted when the daemon ends the work, also if it did so before. Nothing else reads the port until then. */
export async function endOf(port: MessagePort): Promise<AbortSignal> {
  const ending = new AbortController();
  port.once('close', () => ending.abort());
  await once(port, 'message');
  return ending.signal;
}
