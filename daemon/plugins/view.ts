import { problemLine } from '#shared/plugin-sdk/problems.ts';
import type { PluginView } from '#shared/schema/plugins.ts';
import type { PluginLifecycle } from './lifecycle.ts';
import type { ProcessView } from './processes.ts';

const named = ({ id, title }: { id: string; title: string }) => ({ id, title });

/** What code may do, by where it runs; the words of ARCHITECTURE.md in short. */
const PERMISSIONS = {
  data: [],
  thread: ['Built into StreamHub: its code may do anything that StreamHub may do.'],
  process: [
    'It can read only its own folder and StreamHub’s plugin SDK.',
    'It can’t write files, start programs or load native code.',
    'It can connect to the network, limited by this installation’s endpoint policy.',
    'It sees the settings and keys of the app it works for, but no environment variables of the daemon.',
  ],
} as const;

/** Where Linux adds its own wall to Node's. */
const NAMESPACED = 'It can’t see other files or processes of this machine, because it runs in separate namespaces.';

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
