import type { listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { listAppFigures } from '#shared/contract/system.ts';
import { State } from '../../ui/feedback/state.tsx';
import { bytes, count, recordingsOf } from '../../ui/words/format.ts';

export type AppRow = ResultOf<typeof listApps>[number];
export type AppFigures = ResultOf<typeof listAppFigures>['data'][number];

/** A number of an app, quiet when there is nothing to tell. */
export function AppNumber({ figures, of }: { figures: AppFigures | undefined; of: 'live' | 'vods' | 'bytes' }) {
  if (figures === undefined) return <span className="dim">…</span>;
  const value = { live: figures.activeStreams, vods: recordingsOf(figures), bytes: figures.vodBytes }[of];
  if (value === 0) return <span className="dim">0</span>;
  if (of === 'live') return <State tone="ok">{count(value)}</State>;
  return of === 'vods' ? count(value) : bytes(value);
}
