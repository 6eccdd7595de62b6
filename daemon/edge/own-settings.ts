import { readFileSync } from 'node:fs';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import type { NodeSettings } from '#shared/schema/cluster.ts';
import { type Layout, readJson, writeJson } from './layout.ts';
import { configText, readExtra, withOwn } from './livekit-config.ts';

type Files = Pick<Layout, 'livekitConfig' | 'livekitBase' | 'livekitOwn'>;

/** Revision of LiveKit's settings that the configuration of this node holds; 0 = none. */
export const writtenRevision = ({ livekitOwn }: Files): number => readJson<NodeSettings>(livekitOwn)?.revision ?? 0;

/** Puts the daemon's settings for LiveKit over the configuration that the installation made. @throws Error */
export function writeOwn(files: Files, settings: NodeSettings): void {
  const base = read(files.livekitBase) ?? readFileSync(files.livekitConfig, 'utf8');
  writeAtomicallySync(files.livekitBase, base);
  // the port is part of the address under which the node was registered
  const { port: _, ...own } = readExtra(settings.text);
  writeAtomicallySync(files.livekitConfig, configText(withOwn(readExtra(base), own)));
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
