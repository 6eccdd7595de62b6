import { problemLine } from '#shared/plugin-sdk/problems.ts';
import type { PluginView } from '#shared/schema/plugins.ts';
import type { PluginLifecycle } from './lifecycle.ts';
import type { ProcessView } from './processes.ts';

const named = ({ id, title }: { id: string; title: string }) => ({ id, title });

/** What code may do, by where it runs; the words of ARCHITECTURE.md in short. */
const PERMISSIONS = {
  data: [],
  thread: ['It is part of StreamHub: its code may do what StreamHub may.'],
  process: [
    'Read its own folder and StreamHub’s plugin SDK, and no other file.',
    'Write no file, start no program, load no native code.',
    'Connect to the network, within this installation’s endpoint policy.',
    'See settings and keys of the one app that it works for, and no variable of the daemon’s environment.',
  ],
} as const;

/** Where Linux adds its own wall to Node's. */
const NAMESPACED = 'Not even see other files and processes of this machine: it runs in namespaces of its own.';

/** A plugin for people. */
export function toView(
  lifecycle: PluginLifecycle,
  processes: ProcessView[],
  limits: { memoryMb: number; loadSeconds: number; callSeconds: number },
  isNamespaced: boolean,
): PluginView {
  const { record, shown, isEnabled, lastFault, crashes } = lifecycle;
  const { id, version, title, description, author, license, homepage, origin, warnings } = record;
  const isolation = record.entry === null ? 'data' : origin === 'built-in' ? 'thread' : 'process';
  const { memoryMb, loadSeconds, callSeconds } = limits;
  return {
    id,
    version,
    title,
    description,
    author,
    license,
    homepage,
    origin,
    enabled: isEnabled,
    state: shown.state,
    since: shown.since,
    reason: shown.reason,
    lastFault,
    crashes,
    problems: [...lifecycle.problems],
    warnings: warnings.map(problemLine),
    presets: record.presets.map(named),
    storageProviders: record.providers.map(named),
    isolation,
    permissions: [...PERMISSIONS[isolation], ...(isolation === 'process' && isNamespaced ? [NAMESPACED] : [])],
    limits: isolation === 'process' ? { memoryMb, loadSeconds, callSeconds } : null,
    processes,
  };
}
