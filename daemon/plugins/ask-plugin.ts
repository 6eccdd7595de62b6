import type { MessagePort } from 'node:worker_threads';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { faultOf, isPluginsFault, LoadProblem } from './load-fault.ts';
import type { ProcessLease } from './processes.ts';
import type { PluginRecord } from './records.ts';
import type { PluginDescribeInput, PluginDescribeOutput } from './tasks/plugin-describe.ts';
import { PLUGIN_DESCRIBE } from './tasks.ts';

export interface AskDeps {
  pool: WorkerPool;
  /** Holds the plugin, starting its process where it has one. */
  lease(): Promise<ProcessLease>;
  /** Runs a task that may use this plugin. */
  withBroker<T>(run: (port: MessagePort) => Promise<T>): Promise<T>;
}

/**
 * Runs a plugin's code and asks it what it provides: the answer, or what is wrong with it.
 * @throws errors that are not the plugin's fault, such as a full queue
 */
export async function askPlugin(
  { pool, lease, withBroker }: AskDeps,
  { id: plugin, entry, providers }: PluginRecord,
): Promise<PluginDescribeOutput> {
  const ids = providers.map((provider) => provider.id);
  let held: ProcessLease | undefined;
  try {
    held = await lease().catch((error: Error) => {
      throw new LoadProblem(error.message);
    });
    const output = await withBroker((port) => {
      const input: PluginDescribeInput = { plugin, entry: entry ?? '', ids, port };
      return pool.run<PluginDescribeInput, PluginDescribeOutput>(PLUGIN_DESCRIBE, input, { transfer: [port] });
    });
    // the worker only saw that the process was gone
    const isGone = 'problems' in output && output.problems.some(({ code }) => code === 'CODE_THROWS');
    const reason = isGone ? await held.endReason() : undefined;
    return reason === undefined ? output : { problems: [faultOf(new LoadProblem(reason))] };
  } catch (error) {
    if (!isPluginsFault(error)) throw error;
    return { problems: [faultOf(error as Error)] };
  } finally {
    held?.release();
  }
}
