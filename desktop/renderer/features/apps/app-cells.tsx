import type { listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3 } from '#shared/contract/s3.ts';
import type { listAppFigures } from '#shared/contract/system.ts';
import { useRead } from '../../api/query.ts';
import { useSettled } from '../../ui/data/use-settled.ts';
import { State } from '../../ui/feedback/state.tsx';
import { bytes, count } from '../../ui/words/format.ts';

const MINUTE = 60_000;

export type AppRow = ResultOf<typeof listApps>[number];
export type AppFigures = ResultOf<typeof listAppFigures>['data'][number];

/** A number of an app, quiet when there is nothing to tell. */
export function AppNumber({ figures, of }: { figures: AppFigures | undefined; of: 'live' | 'vods' | 'bytes' }) {
  if (figures === undefined) return <span className="dim">…</span>;
  const value = { live: figures.activeStreams, vods: figures.vodCount, bytes: figures.vodBytes }[of];
  if (value === 0) return <span className="dim">0</span>;
  if (of === 'live') return <State tone="ok">{count(value)}</State>;
  return of === 'vods' ? count(value) : bytes(value);
}

/** Where the recordings of an app go. */
export function AppBucket({ app, isOpen }: { app: string; isOpen: boolean }) {
  const isSettled = useSettled();
  const s3 = useRead(getS3, { params: { name: app } }, { staleTime: 5 * MINUTE, enabled: isSettled && isOpen });
  if (s3.data === undefined) {
    return (
      <span className="dim" title={s3.error?.message}>
        {s3.error ? 'not known' : '…'}
      </span>
    );
  }
  const { bucket, configured, publicVods } = s3.data;
  if (bucket === '') return <span className="dim">none</span>;
  return (
    <State
      tone={configured ? (publicVods ? 'info' : 'ok') : 'warn'}
      title={configured ? undefined : 'Its credentials are missing.'}
    >
      {bucket}
      {configured ? (publicVods ? ', public' : '') : ', no keys'}
    </State>
  );
}
