import { getS3 } from '#shared/contract/s3.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { useRead } from '../../api/query.ts';
import { bytes, count } from '../../ui/format.ts';
import { State } from '../../ui/state.tsx';
import { useSettled } from '../../ui/use-settled.ts';

const MINUTE = 60_000;

/** The counts of one app, read when its row is on the screen and the numbers are open to who looks. */
export function AppNumber({ app, of, isOpen }: { app: string; of: 'live' | 'vods' | 'bytes'; isOpen: boolean }) {
  const isSettled = useSettled();
  const stats = useRead(getAppStats, { params: { app } }, { staleTime: MINUTE, enabled: isSettled && isOpen });
  if (stats.data === undefined) {
    return (
      <span className="dim" title={stats.error?.message}>
        {stats.error ? '?' : '…'}
      </span>
    );
  }
  const { live, vods } = stats.data;
  if (of === 'live')
    return live.activeStreams > 0 ? (
      <State tone="ok">{count(live.activeStreams)}</State>
    ) : (
      <span className="dim">0</span>
    );
  const value = of === 'vods' ? vods.count : vods.totalBytes;
  return <span className={value === 0 ? 'dim' : undefined}>{of === 'vods' ? count(value) : bytes(value)}</span>;
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
