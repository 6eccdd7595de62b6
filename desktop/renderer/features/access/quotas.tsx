import type { ResultOf } from '#shared/contract/operation.ts';
import type { getTenantUsage } from '#shared/contract/teams.ts';
import { Bar, loadTone } from '../../ui/data/bar.tsx';
import { count } from '../../ui/words/format.ts';

type Usage = ResultOf<typeof getTenantUsage>['data'];

const ROWS = [
  ['maxApps', 'apps', 'Apps', ''],
  ['maxConcurrentStreams', 'concurrentStreams', 'Concurrent streams', ''],
  ['maxRecordingMinutesMonth', 'recordingMinutesMonth', 'Recorded this month', ' min'],
  ['maxEgressGbMonth', 'egressGbMonth', 'Delivered this month', ' GB'],
  ['maxStorageGb', 'storageGb', 'Recording storage', ' GB'],
] as const;

export const QUOTA_NAMES = Object.fromEntries(
  ROWS.map(([quota, , name, unit]) => [quota, `${name}${unit ? `,${unit}` : ''}`]),
);

/** Each quota with how much of it is used. */
export function Quotas({ usage }: { usage: Usage }) {
  return (
    <dl className="stack" style={{ gap: 8 }}>
      {ROWS.map(([quota, key, name, unit]) => {
        const limit = usage.quotas[quota];
        const used = usage.usage[key];
        const words =
          used === null
            ? 'not measured'
            : limit < 0
              ? `${count(Math.round(used))}${unit}, no limit`
              : `${count(Math.round(used))} of ${count(limit)}${unit}`;
        const share = used === null || limit <= 0 ? 0 : used / limit;
        return (
          <div key={quota} className="row" style={{ gap: 16 }}>
            <dt style={{ width: 200 }}>{name}</dt>
            <dd className="row grow">
              <span className="num" style={{ width: 170 }}>
                {words}
              </span>
              {limit > 0 && used !== null ? (
                <Bar share={share} tone={loadTone(share)} label={`${name}: ${words}`} />
              ) : null}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
