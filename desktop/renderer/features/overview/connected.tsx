import { listNodes } from '#shared/contract/cluster.ts';
import { getManagedLiveKit } from '#shared/contract/livekit.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getSettings, type getStats } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import { nodesInNeed } from '#shared/rules/nodes.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo } from '../../daemon/links.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural, recordingsOf } from '../../ui/words/format.ts';
import { PROGRAM_NAMES, STATE_WORDS } from '../livekit/program-words.ts';
import { BucketLines } from './bucket-lines.tsx';
import { ConnectionLine, useConnectionTrial } from './connection-line.tsx';
import classes from './overview.module.css';

/** What the daemon works with, a line each: is it there, and how is it set up. */
export function Connected({ stats }: { stats: ResultOf<typeof getStats> }) {
  const canSee = useLack(getSettings) === undefined;
  const settings = useRead(getSettings, undefined, { enabled: canSee, staleTime: 600_000 });
  const nodes = useRead(listNodes, undefined, { enabled: useLack(listNodes) === undefined });
  const edges = nodes.data?.filter((node) => node.id !== 'origin') ?? [];
  const reporting = edges.filter((node) => node.health === 'alive').length;
  const urgency = nodesInNeed(edges)[0]?.state.urgency;
  const s = settings.data;
  const canSeeLiveKit = useLack(getLiveKit) === undefined;
  const hint = useRead(getLiveKit, undefined, { enabled: canSeeLiveKit }).data?.hint;
  const here = useRead(getManagedLiveKit, undefined, { enabled: canSee }).data;
  const livekit = useConnectionTrial('livekit');
  const redis = useConnectionTrial('redis');
  const mail = useConnectionTrial('mail');
  return (
    <Panel title="Connected">
      <ul className={classes.connected}>
        <ConnectionLine
          name="LiveKit"
          tone={stats.livekitReachable ? 'ok' : s?.livekit.apiKeySet === false ? 'muted' : 'danger'}
          state={stats.livekitReachable ? 'connected' : s?.livekit.apiKeySet === false ? 'not set up' : 'unreachable'}
          detail={s?.livekit.url}
          how={
            hint && s?.livekit.apiKeySet !== false ? (
              <span>{hint}</span>
            ) : stats.livekitReachable ? null : (
              <GoTo to="/settings" search={{ connect: 'livekit' }}>
                Connect LiveKit
              </GoTo>
            )
          }
          trial={livekit}
        />
        {here?.mode === 'managed' && here.overriddenBy === null
          ? here.programs
              .filter(({ program }) => program !== 'livekit')
              .map(({ program, state, cure }) => (
                <ConnectionLine
                  key={program}
                  name={program === 'redis' ? 'Redis here' : PROGRAM_NAMES[program]}
                  tone={STATE_WORDS[state][1]}
                  state={STATE_WORDS[state][0]}
                  detail={cure ?? undefined}
                  how={<GoTo to="/livekit">LiveKit</GoTo>}
                />
              ))
          : null}
        {s ? (
          <>
            <ConnectionLine
              name="Nodes"
              tone={!s.cluster.enabled || edges.length === 0 ? 'muted' : (urgency ?? 'ok')}
              state={
                !s.cluster.enabled
                  ? 'clustering is off'
                  : edges.length === 0
                    ? 'none yet'
                    : `${reporting} of ${plural(edges.length, 'edge node')} reporting`
              }
              how={s.cluster.enabled ? <GoTo to="/cluster">Cluster</GoTo> : <How variable="STREAMHUB_CLUSTER_TOKEN" />}
            />
            <ConnectionLine
              name="Redis"
              tone="muted"
              state={s.cluster.redisConfigured ? 'set for joining nodes' : 'used by LiveKit only'}
              detail={s.cluster.redisUrl || s.core.redisUrl}
              how={s.cluster.enabled && !s.cluster.redisConfigured ? <How variable="REDIS" /> : null}
              trial={redis}
            />
            <ConnectionLine
              name="Mail"
              tone={s.auth.smtpConfigured ? 'ok' : 'muted'}
              state={s.auth.smtpConfigured ? 'set up' : 'not configured; invitations are copied by hand'}
              how={s.auth.smtpConfigured ? null : <How variable="SMTP" />}
              trial={s.auth.smtpConfigured ? mail : undefined}
            />
            <ConnectionLine
              name="Metrics"
              tone={s.metrics.tokenSet ? 'ok' : 'muted'}
              state={s.metrics.tokenSet ? 'open to the token' : 'off'}
              how={s.metrics.tokenSet ? null : <How variable="METRICS_TOKEN" />}
            />
          </>
        ) : null}
        <BucketLines />
        <ConnectionLine
          name="Storage"
          tone="muted"
          state={plural(recordingsOf(stats.storage), 'recording')}
          how={<GoTo to="/storage">Buckets</GoTo>}
        />
      </ul>
    </Panel>
  );
}

const How = ({ variable }: { variable: string }) => (
  <GoTo to="/settings" search={{ q: variable }}>
    Set up
  </GoTo>
);
