import { useQueries } from '@tanstack/react-query';
import { listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { readOptions, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo } from '../../daemon/links.tsx';
import { bucketCondition } from '../storage/bucket-state.tsx';
import { ConnectionLine, useStorageTrial } from './connection-line.tsx';

/** Apps up to which the bucket of each is looked at here; beyond, the page of storages is the place. */
const LOOK_AT = 60;
/** Lines at most; all of them are on that page. */
const SHOWN = 5;

/** The bucket of each app that has one, a line each. */
export function BucketLines() {
  const { id } = useDaemon();
  const canSee = useLack(getS3) === undefined;
  const apps = useRead(listApps);
  const names = apps.data === undefined || apps.data.length > LOOK_AT ? [] : apps.data.map(({ name }) => name);
  const buckets = useQueries({
    queries: names.map((name) => ({
      ...readOptions(id, getS3, { params: { name } }),
      staleTime: 300_000,
      enabled: canSee,
    })),
  });
  const lines = buckets.flatMap(({ data: s3 }, index) => {
    const app = names[index];
    return app === undefined || s3 === undefined || s3.bucket === '' ? [] : [{ app, s3 }];
  });
  return lines.slice(0, SHOWN).map(({ app, s3 }) => <BucketLine key={app} app={app} s3={s3} />);
}

function BucketLine({ app, s3 }: { app: string; s3: ResultOf<typeof getS3>['data'] }) {
  return (
    <ConnectionLine
      name="S3"
      what={`the bucket of ${app}`}
      tone={bucketCondition(s3).tone}
      state={<GoTo to={`/apps/${app}/storage`}>{app}</GoTo>}
      detail={`${s3.bucket}, ${bucketCondition(s3).words}`}
      trial={useStorageTrial(app)}
    />
  );
}
