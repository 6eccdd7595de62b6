import type { MessagePort } from 'node:worker_threads';
import { type PluginProblem, PluginRefusal, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { withPlugins } from '../broker-client.ts';
import { describePlugin } from '../load-provider.ts';
import type { ProviderDescription } from '../records.ts';

export interface PluginDescribeInput {
  plugin: string;
  entry: string;
  ids: readonly string[];
  /** The way to the plugin's process. */
  port: MessagePort;
}

export type PluginDescribeOutput = { providers: ProviderDescription[] } | { problems: readonly PluginProblem[] };

/** Asks a plugin's code what it provides, and checks that this is what its manifest promises. */
export default async function pluginDescribe({ port, ...plugin }: PluginDescribeInput): Promise<PluginDescribeOutput> {
  try {
    return { providers: await withPlugins(port, (broker) => describePlugin(broker, plugin)) };
  } catch (error) {
    if (error instanceof PluginRefusal) return { problems: error.problems };
    const detail = error instanceof Error ? error.message : 'its entry throws';
    return { problems: [pluginProblem('CODE_THROWS', { detail })] };
  }
}
