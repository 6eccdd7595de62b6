// A separate thread asks one address again and again, so that what the rest of the bench does is not in the times.
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const PAUSE_MS = 5;

/**
 * Asks `url` every few milliseconds until `stop` is called.
 * @returns how `stop` answers: the latencies in milliseconds, sorted
 */
export function startProbe(url: string, headers: Record<string, string> = {}): { stop(): Promise<number[]> } {
  const worker = new Worker(new URL(import.meta.url), { workerData: { url, headers } });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  failed.catch(() => undefined);
  return {
    async stop() {
      const answer = new Promise<number[]>((resolve) => worker.once('message', resolve));
      worker.postMessage('stop');
      const times = await Promise.race([answer, failed]);
      await worker.terminate();
      return times.sort((a, b) => a - b);
    },
  };
}

if (!isMainThread && parentPort !== null && typeof (workerData as { url?: unknown } | null)?.url === 'string') {
  const { url, headers } = workerData as { url: string; headers: Record<string, string> };
  const times: number[] = [];
  let isRunning = true;
  parentPort.once('message', () => {
    isRunning = false;
  });
  while (isRunning) {
    const start = performance.now();
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    times.push(performance.now() - start);
    await wait(PAUSE_MS);
  }
  parentPort.postMessage(times);
}
