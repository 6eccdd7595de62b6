import { describeProviders } from '../../plugins/import-provider.ts';
import type { ProviderDescription } from '../../plugins/records.ts';

export interface PluginDescribeInput {
  entry: string;
  providers: readonly string[];
}

export type PluginDescribeOutput = { providers: ProviderDescription[] } | { problem: string };

/** Runs a plugin's entry once and checks that it exports what its manifest promises. */
export default async function pluginDescribe(input: PluginDescribeInput): Promise<PluginDescribeOutput> {
  try {
    return { providers: await describeProviders(input.entry, input.providers) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'its entry throws' };
  }
}
