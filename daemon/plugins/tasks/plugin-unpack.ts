import { type PluginProblem, PluginRefusal } from '#shared/plugin-sdk/problems.ts';
import { unpackFile } from '../install/unpack.ts';

export interface PluginUnpackInput {
  file: string;
  /** Folder to unpack into; made if it is missing. */
  folder: string;
}

/** The name of what was unpacked, or what is wrong with the file. */
export type PluginUnpackOutput = { name: string } | { problems: readonly PluginProblem[] };

/** Unpacks an uploaded or downloaded plugin: its bytes are untrusted. */
export default async function pluginUnpack({ file, folder }: PluginUnpackInput): Promise<PluginUnpackOutput> {
  try {
    return { name: await unpackFile(file, folder) };
  } catch (error) {
    if (error instanceof PluginRefusal) return { problems: error.problems };
    throw error;
  }
}
