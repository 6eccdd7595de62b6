import { Button } from '@mantine/core';
import { useState } from 'react';
import { getConfig, getRawConfig, listConfigBackups } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { applyPreset, listPresets, previewPreset } from '#shared/contract/presets.ts';
import { refresh, useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo } from '../../daemon/links.tsx';
import { DiffText } from '../../ui/data/diff-text.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { plural } from '../../ui/words/format.ts';
import { useDraft } from '../config/drafts.ts';
import { ReadOnlyConfig, useWriteProblem } from '../config/read-only.tsx';
import { DeliveryChange } from '../delivery/delivery-change.tsx';
import classes from './presets.module.css';

type Preset = ResultOf<typeof listPresets>['data'][number];

/** Presets. Each shows what it would change before it is applied. */
export function PresetsTab({ app }: { app: string }) {
  const presets = useRead(listPresets, { params: { name: app } });
  const [chosen, setChosen] = useState<Preset>();
  const [applied, setApplied] = useState<{
    preset: Preset;
    changed: readonly string[];
    reloaded: boolean;
    warnings: readonly string[];
  }>();
  return (
    <QueryView query={presets} what="the presets">
      {(list) => (
        <div className="stack">
          {applied ? (
            <Notice
              tone={applied.reloaded ? 'ok' : 'warn'}
              role="status"
              title={`${applied.preset.title} is applied: ${plural(applied.changed.length, 'key')} changed${applied.reloaded ? ' and active' : ', not active yet'}`}
              action={<GoTo to={`/apps/${app}/config`}>Undo in the history</GoTo>}
            >
              {applied.warnings.map((warning) => (
                <p key={warning}>{warning}</p>
              ))}
            </Notice>
          ) : null}
          {list.length === 0 ? (
            <Empty title="No preset">Presets come from plugins; none is loaded.</Empty>
          ) : (
            <ul className={classes.cards}>
              {list.map((preset) => (
                <li key={preset.id}>
                  <Card app={app} preset={preset} onChoose={() => setChosen(preset)} />
                </li>
              ))}
            </ul>
          )}
          <Preview
            app={app}
            preset={chosen}
            onClose={() => setChosen(undefined)}
            onApplied={(outcome) => {
              if (chosen) setApplied({ ...outcome, preset: chosen });
              setChosen(undefined);
            }}
          />
        </div>
      )}
    </QueryView>
  );
}

function Card({ app, preset, onChoose }: { app: string; preset: Preset; onChoose: () => void }) {
  const preview = useRead(previewPreset, { params: { name: app, preset: preset.id } });
  const changes = preview.data?.changed.length;
  return (
    <article className={classes.card}>
      <header>
        <h2>{preset.title}</h2>
        {changes === 0 ? <State tone="ok">matches this app</State> : null}
      </header>
      <p>{preset.description}</p>
      <dl>
        <div>
          <dt>For</dt>
          <dd>{preset.useCase}</dd>
        </div>
        {preset.latency ? (
          <div>
            <dt>Latency</dt>
            <dd>{preset.latency}</dd>
          </div>
        ) : null}
        {preset.cost ? (
          <div>
            <dt>Cost</dt>
            <dd>{preset.cost}</dd>
          </div>
        ) : null}
      </dl>
      <footer>
        <span className="dim grow">
          {preview.error
            ? 'cannot be previewed'
            : changes === undefined
              ? ''
              : changes === 0
                ? ''
                : `changes ${plural(changes, 'key')}`}
        </span>
        {preset.plugin === 'presets' || preset.plugin === 'streamhub' ? null : (
          <Tag title="Plugin that brings it">{preset.plugin}</Tag>
        )}
        <Button onClick={onChoose}>{changes === 0 ? 'What it sets' : 'Preview changes'}</Button>
      </footer>
    </article>
  );
}

function Preview({
  app,
  preset,
  onClose,
  onApplied,
}: {
  app: string;
  preset: Preset | undefined;
  onClose: () => void;
  onApplied: (outcome: { changed: readonly string[]; reloaded: boolean; warnings: readonly string[] }) => void;
}) {
  const { id } = useDaemon();
  const lack = useLack(applyPreset);
  const writeProblem = useWriteProblem(app);
  const draft = useDraft(app);
  const apply = useChange(applyPreset);
  const run = async (): Promise<void> => {
    if (preset === undefined) return;
    const outcome = await apply.mutateAsync({ params: { name: app, preset: preset.id } }).catch(() => undefined);
    if (outcome === undefined) return;
    await refresh(id, getRawConfig, listConfigBackups, getConfig, previewPreset, listPresets);
    onApplied(outcome);
  };
  const preview = useRead(
    previewPreset,
    { params: { name: app, preset: preset?.id ?? '' } },
    { enabled: preset !== undefined, staleTime: 0 },
  );
  const canApply =
    preview.data?.error === null && preview.data.changed.length > 0 && lack === undefined && writeProblem === undefined;
  return (
    <SidePanel
      isOpen={preset !== undefined}
      onClose={onClose}
      title={preset ? `${preset.title} on ${app}` : ''}
      size={620}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button variant="filled" disabled={!canApply} loading={apply.isPending} onClick={() => void run()}>
            Apply preset
          </Button>
        </>
      }
    >
      {preset ? (
        <QueryView query={preview} what="the preview">
          {(outcome) => (
            <div className="stack">
              {apply.error ? <Problem error={apply.error} title="Nothing was changed." /> : null}
              {lack ? <Notice tone="info" title={`Applying needs ${lack}.`} /> : null}
              <ReadOnlyConfig problem={writeProblem} />
              {outcome.error ? (
                <Notice tone="danger" title={`It cannot be applied: ${outcome.error}`} role="alert" />
              ) : null}
              {outcome.warnings.map((warning) => (
                <Notice key={warning} tone="warn" title={warning} />
              ))}
              {draft ? (
                <Notice tone="warn" title="This app has a config draft">
                  <p>
                    The preset is applied to the active config. The draft stays; resolve the conflict when you save it.
                  </p>
                </Notice>
              ) : null}
              <DeliveryChange {...outcome.delivery} />
              {outcome.diff === '' ? (
                <>
                  <p>Nothing would change: the config has all of it.</p>
                  <ul className={classes.sets}>
                    {preset.sets.map((line) => (
                      <li key={line}>
                        <code>{line}</code>
                      </li>
                    ))}
                  </ul>
                </>
              ) : (
                <>
                  <p>
                    Exactly these lines of <code>config.yaml</code> change. Comments, order and everything else stay;
                    the text before is kept in the history.
                  </p>
                  <DiffText diff={outcome.diff} label="Changes" />
                </>
              )}
            </div>
          )}
        </QueryView>
      ) : null}
    </SidePanel>
  );
}
