import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { useRead } from '../../api/query.ts';
import { useSettled } from '../../ui/data/use-settled.ts';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { exactTime } from '../../ui/words/format.ts';

type S3View = ResultOf<typeof getS3>['data'];

/** A bucket's state: the result of its last use. Stored keys prove nothing. */
export function bucketCondition({ configured, lastUse }: S3View): { tone: Tone; words: string; title?: string } {
  if (!configured) return { tone: 'warn', words: 'no keys', title: 'Its credentials are missing.' };
  if (lastUse === null)
    return { tone: 'muted', words: 'not used yet', title: 'It has not been used since the daemon started.' };
  const title = `${{ test: 'Tested', recording: 'Recording' }[lastUse.what]} ${exactTime(lastUse.at)}`;
  if (lastUse.ok) return { tone: 'ok', words: 'works', title };
  return { tone: 'danger', words: 'fails', title: `${title}: ${lastUse.reason ?? ''}` };
}

/** A bucket with its state. @param isAlone without the name */
export function BucketState({ s3, isAlone = false }: { s3: S3View; isAlone?: boolean }) {
  const { tone, words, title } = bucketCondition(s3);
  const parts = [...(isAlone ? [] : [s3.bucket]), words, ...(s3.publicVods ? ['public'] : [])];
  return (
    <State tone={tone} title={title}>
      {parts.join(', ')}
    </State>
  );
}

/** Where the recordings of an app go. */
export function AppBucket({ app, isOpen }: { app: string; isOpen: boolean }) {
  const isSettled = useSettled();
  const s3 = useRead(getS3, { params: { name: app } }, { staleTime: 300_000, enabled: isSettled && isOpen });
  if (s3.data === undefined) {
    return (
      <span className="dim" title={s3.error?.message}>
        {s3.error ? 'not known' : '…'}
      </span>
    );
  }
  if (s3.data.bucket === '') return <span className="dim">none</span>;
  return <BucketState s3={s3.data} />;
}
