import { readFileSync } from 'node:fs';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import type { NodeSettings } from '#shared/schema/cluster.ts';
import { type Layout, readJson, writeJson } from './layout.ts';
import { configText, readExtra, withKeys, withOwn } from './livekit-config.ts';

type Files = Pick<Layout, 'livekitConfig' | 'livekitBase' | 'livekitOwn'>;

/** Revision of LiveKit's settings that the configuration of this node holds; 0 = none. */
export const writtenRevision = ({ livekitOwn }: Files): number => readJson<NodeSettings>(livekitOwn)?.revision ?? 0;

/** Does the configuration of this node hold exactly this? */
export function isWritten({ livekitOwn }: Files, { revision, text, keys }: NodeSettings): boolean {
  const own = readJson<NodeSettings>(livekitOwn);
  return own?.revision === revision && own.text === text && JSON.stringify(own.keys) === JSON.stringify(keys);
}

/** Puts the daemon's settings for LiveKit over the configuration that the installation made. @throws Error */
export function writeOwn(files: Files, settings: NodeSettings): void {
  const base = read(files.livekitBase) ?? readFileSync(files.livekitConfig, 'utf8');
  writeAtomicallySync(files.livekitBase, base);
  // the port is part of the address under which the node was registered
  const { port: _, ...own } = readExtra(settings.text);
  const tree = withOwn(readExtra(base), own);
  writeAtomicallySync(
    files.livekitConfig,
    configText(settings.keys === undefined ? tree : withKeys(tree, settings.keys)),
  );
  writeJson(files.livekitOwn, settings);
}

/** A new configuration of the installation; the daemon's settings are put over it again. */
export function writeBase(files: Files, text: string): void {
  const own = readJson<NodeSettings>(files.livekitOwn);
  if (own === undefined) {
    writeAtomicallySync(files.livekitConfig, text);
    return;
  }
  writeAtomicallySync(files.livekitBase, text);
  writeOwn(files, own);
}

/** The configuration that the installation made, without the daemon's settings. */
export const baseText = (files: Files): string | undefined => read(files.livekitBase) ?? read(files.livekitConfig);

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
