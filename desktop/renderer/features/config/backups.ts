import type { listConfigBackups } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';

export type Backup = ResultOf<typeof listConfigBackups>['data'][number];

const REASONS: Record<string, string> = {
  raw: 'Edited',
  revert: 'Restored',
  settings: 'Settings changed',
  streaming: 'Streaming changed',
  preset: 'Preset applied',
  s3: 'Storage changed',
  apply: 'Configuration applied',
  'hand-edit': 'Edited on disk',
};

/** What a change was, in a line. */
export function changeWords(backup: Backup): string {
  const { change } = backup;
  if (change === null) return 'Changed';
  return `${REASONS[change.reason] ?? 'Changed'}${change.detail ? `: ${change.detail}` : ''}`;
}
