import { Button } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { listConfigBackups } from '#shared/contract/config.ts';
import { useRead } from '../../api/query.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Ago } from '../../ui/words/time.tsx';
import { changeWords } from './backups.ts';
import classes from './config.module.css';

const Versions = lazy(async () => ({ default: (await import('./versions.tsx')).Versions }));

/** Every change with who and when; each opens its diff, from where one can go back. */
export function Timeline({ app, isReadOnly, hasDraft }: { app: string; isReadOnly: boolean; hasDraft: boolean }) {
  const backups = useRead(listConfigBackups, { params: { name: app } });
  const show = (initial: { from: string; to: string }): void =>
    openDialog({
      title: `Versions of the config of ${app}`,
      size: 'min(1200px, 94vw)',
      content: (close) => (
        <Suspense>
          <Versions app={app} initial={initial} isReadOnly={isReadOnly} hasDraft={hasDraft} onClose={close} />
        </Suspense>
      ),
    });
  return (
    <aside className={classes.timeline} aria-label="History">
      <h2>History</h2>
      <QueryView query={backups} what="the history">
        {(list) =>
          list.length === 0 ? (
            <p className="dim">No changes yet. Each save adds a version here; the latest 20 are kept.</p>
          ) : (
            <>
              <ol>
                {list.map((backup, index) => (
                  <li key={backup.ts}>
                    <button type="button" onClick={() => show({ from: backup.ts, to: 'current' })}>
                      <span className={classes.what}>
                        {changeWords(backup)}
                        {index === 0 ? <span className={classes.now}>active</span> : null}
                      </span>
                      {backup.change && backup.change.changed.length > 0 ? (
                        <code className={classes.keys} title={backup.change.changed.join('\n')}>
                          {backup.change.changed.join(', ')}
                        </code>
                      ) : null}
                      <span className={classes.by}>
                        <span className="cut">
                          {backup.change ? (backup.change.actor.label ?? backup.change.actor.id) : ''}
                        </span>
                        <Ago at={backup.change?.at ?? backup.createdAt} />
                      </span>
                    </button>
                  </li>
                ))}
              </ol>
              <Button
                size="xs"
                variant="subtle"
                onClick={() => show({ from: list.at(-1)?.ts ?? 'current', to: 'current' })}
              >
                Compare any two…
              </Button>
            </>
          )
        }
      </QueryView>
    </aside>
  );
}
