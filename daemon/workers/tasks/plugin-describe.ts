import { type PluginProblem, PluginRefusal, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { describeProviders } from '../../plugins/import-provider.ts';
import type { ProviderDescription } from '../../plugins/records.ts';

export interface PluginDescribeInput {
  entry: string;
  providers: readonly string[];
}

export type PluginDescribeOutput = { providers: ProviderDescription[] } | { problems: readonly PluginProblem[] };

/** Runs a plugin's entry once and checks that it exports what its manifest promises. */
export default async function pluginDescribe(input: PluginDescribeInput): Promise<PluginDescribeOutput> {
  try {
    return { providers: await describeProviders(input.entry, input.providers) };
  } catch (error) {
    if (error instanceof PluginRefusal) return { problems: error.problems };
    const detail = error instanceof Error ? error.message : 'its entry throws';
    return { problems: [pluginProblem('CODE_THROWS', { detail })] };
  }
}
