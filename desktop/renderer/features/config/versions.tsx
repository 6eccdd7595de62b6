import { Button, Checkbox, NativeSelect } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { getConfigBackup, getRawConfig, listConfigBackups, revertConfig } from '#shared/contract/config.ts';
import { readOptions, refresh, useChange, useRead } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { SkeletonRows } from '../../ui/data/query-view.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { dateTime, plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';
import { type Backup, changeWords } from './backups.ts';
import classes from './config.module.css';
import { DiffView } from './diff-view.tsx';
import { CONFIG_READS, compare } from './review.tsx';
import type { RawConfig } from './use-config-document.ts';

interface Props {
  app: string;
  initial: { from: string; to: string };
  isReadOnly: boolean;
  hasDraft: boolean;
  onClose: () => void;
}

/** Two versions side by side; an earlier one can be restored. */
export function Versions(props: Props) {
  const backups = useRead(listConfigBackups, { params: { name: props.app } });
  const current = useRead(getRawConfig, { params: { name: props.app } });
  if (!backups.data || !current.data) return <SkeletonRows rows={10} />;
  return <Pair {...props} backups={backups.data} current={current.data} />;
}

function Pair({
  app,
  backups,
  current,
  initial,
  isReadOnly,
  hasDraft,
  onClose,
}: Props & { backups: readonly Backup[]; current: RawConfig }) {
  const { id } = useDaemon();
  const [pair, setPair] = useState(initial);
  const [isConfirmed, setConfirmed] = useState(false);
  const revert = useChange(revertConfig, { refreshes: CONFIG_READS });
  const texts = useQueries({
    queries: [pair.from, pair.to].map((ts) => ({
      ...readOptions(id, getConfigBackup, { params: { name: app, ts } }),
      enabled: ts !== 'current',
      staleTime: Number.POSITIVE_INFINITY,
    })),
  });
  const [before, after] = [pair.from, pair.to].map((ts, index) =>
    ts === 'current' ? current.yaml : texts[index]?.data?.yaml,
  );
  const hidden =
    [pair.from, pair.to].map((ts, index) => (ts === 'current' ? current : texts[index]?.data)?.hidden).find(Boolean) ??
    null;
  const failure = texts.find((query) => query.error)?.error;
  const choices = [
    { value: 'current', label: 'Active now' },
    ...backups.map((backup) => ({
      value: backup.ts,
      label: `Before “${changeWords(backup)}”, ${dateTime(backup.change?.at ?? backup.createdAt)}`,
    })),
  ];
  const canRestore = !isReadOnly && pair.from !== 'current' && before !== undefined && before !== current.yaml;
  const undone = backups.slice(0, backups.findIndex(({ ts }) => ts === pair.from) + 1);
  const opensBucket = canRestore && before !== undefined && compare(current.yaml, before).opensBucket;
  const restore = async (): Promise<void> => {
    const done = await revert
      .mutateAsync({
        params: { name: app, ts: pair.from },
        body: opensBucket ? { confirmPublic: true } : {},
        headers: { 'if-match': current.etag },
      })
      .catch(() => undefined);
    if (done === undefined) return;
    await refresh(id, ...CONFIG_READS);
    onClose();
  };
  return (
    <div className={classes.versions}>
      <div className={classes.pair}>
        <NativeSelect
          label="Left"
          data={choices}
          value={pair.from}
          onChange={(event) => setPair({ ...pair, from: event.currentTarget.value })}
        />
        <NativeSelect
          label="Right"
          data={choices}
          value={pair.to}
          onChange={(event) => setPair({ ...pair, to: event.currentTarget.value })}
        />
      </div>
      {hidden ? <Notice tone="info" title={hidden} /> : null}
      {failure ? <Problem error={failure} title="A version could not be read." /> : null}
      {before === undefined || after === undefined ? (
        failure ? null : (
          <SkeletonRows rows={10} />
        )
      ) : before === after ? (
        <p className="dim">Both are the same.</p>
      ) : (
        <DiffView before={before} after={after} labels={['Left', 'Right']} />
      )}
      {canRestore && undone.length > 0 ? (
        <Notice
          tone={undone.length > 1 ? 'warn' : 'info'}
          title={`Restoring undoes ${plural(undone.length, 'change')}`}
        >
          <ul aria-label="What restoring undoes">
            {undone.map((backup) => (
              <li key={backup.ts}>
                {changeWords(backup)}
                {backup.change ? `, ${backup.change.actor.label ?? backup.change.actor.id}` : ''},{' '}
                <At at={backup.change?.at ?? backup.createdAt} />
                {backup.change && backup.change.changed.length > 0 ? (
                  <>
                    {': '}
                    <code>{backup.change.changed.join(', ')}</code>
                  </>
                ) : null}
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
      {canRestore && opensBucket ? (
        <Notice tone="warn" title="That version makes recordings public">
          <Checkbox
            mt={4}
            checked={isConfirmed}
            onChange={(event) => setConfirmed(event.currentTarget.checked)}
            label="Make the recordings of this app public"
          />
        </Notice>
      ) : null}
      {revert.error ? <Problem error={revert.error} title="Nothing was restored." /> : null}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        {canRestore ? (
          <span className="dim grow">
            The current version is kept in the history{hasDraft ? ', and your draft is kept, too' : ''}.
          </span>
        ) : (
          <span className="grow" />
        )}
        <Button onClick={onClose}>Close</Button>
        {isReadOnly ? null : (
          <Button
            variant="filled"
            disabled={!canRestore || (opensBucket && !isConfirmed)}
            loading={revert.isPending}
            onClick={() => void restore()}
          >
            Restore this version
          </Button>
        )}
      </div>
    </div>
  );
}
