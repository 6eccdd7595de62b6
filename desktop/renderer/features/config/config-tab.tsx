import { ActionIcon, Button, SegmentedControl, Tooltip } from '@mantine/core';
import { IconGitCompare, IconHistory } from '@tabler/icons-react';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { getConfigSchema, putRawConfig } from '#shared/contract/config.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { QueryView, SkeletonRows } from '../../ui/data/query-view.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { setPane, useLayout } from '../../ui/layout/layout.ts';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import classes from './config.module.css';
import { Outline } from './outline.tsx';
import { ProblemsPanel } from './problems-panel.tsx';
import { ReadOnlyConfig } from './read-only.tsx';
import type { SchemaNode } from './schema-nodes.ts';
import { Timeline } from './timeline.tsx';
import { type ConfigDocument, useConfigDocument } from './use-config-document.ts';
import { useValidation, type Validation } from './use-validation.ts';
import type { EditorHandle } from './yaml-editor.tsx';

const YamlEditor = lazy(async () => ({ default: (await import('./yaml-editor.tsx')).YamlEditor }));
const FormView = lazy(async () => ({ default: (await import('./form-view.tsx')).FormView }));
const Review = lazy(async () => ({ default: (await import('./review.tsx')).Review }));
const Conflict = lazy(async () => ({ default: (await import('./conflict.tsx')).Conflict }));

/** The config of an app: text or form, the daemon's findings, review before saving, and its history. */
export function ConfigTab({ app, blocks }: { app: string /** Only the form of these. */; blocks?: readonly string[] }) {
  const { query, document } = useConfigDocument(app);
  return (
    <QueryView query={query} what="the config" fill>
      {() => (document ? <Editing key={app} app={app} document={document} blocks={blocks} /> : null)}
    </QueryView>
  );
}

function Editing({
  app,
  document,
  blocks,
}: {
  app: string;
  document: ConfigDocument;
  blocks: readonly string[] | undefined;
}) {
  const { raw, text, isDirty, isBehind, draft } = document;
  const schema = useRead(getConfigSchema, undefined, { staleTime: Number.POSITIVE_INFINITY }).data as
    | SchemaNode
    | undefined;
  const lack = useLack(putRawConfig);
  const validation = useValidation(app, text);
  const [mode, setMode] = useState<'text' | 'form'>(blocks ? 'form' : 'text');
  const [overlay, setOverlay] = useState<'review' | 'merge'>();
  const [saved, setSaved] = useState<{ at: string; reloaded: boolean; warnings: readonly string[] }>();
  // without a draft there is nothing to review; the next one starts in the editor
  useEffect(() => {
    if (!isDirty) setOverlay(undefined);
  }, [isDirty]);
  const isHistoryWanted = useLayout((layout) => layout.panes['config-history'] ?? window.innerWidth >= 1200) === true;
  const showHistory = isHistoryWanted && blocks === undefined;
  const editor = useRef<EditorHandle>(null);
  const isReadOnly = lack !== undefined || raw.masked || raw.writable === false;
  const review = (): void => {
    if (isDirty) setOverlay(isBehind ? 'merge' : 'review');
  };
  useCommands(
    'config',
    isDirty
      ? [{ id: 'review-config', group: 'Actions', label: `Review the changed config of ${app}`, run: review }]
      : [],
  );

  if (overlay === 'merge' && draft) {
    return (
      <Suspense fallback={<SkeletonRows />}>
        <Conflict document={document} onClose={() => setOverlay(undefined)} onMerged={() => setOverlay('review')} />
      </Suspense>
    );
  }
  if (overlay === 'review' && isDirty) {
    return (
      <Suspense fallback={<SkeletonRows />}>
        <Review
          app={app}
          document={document}
          validation={validation}
          schema={schema}
          onClose={() => setOverlay(undefined)}
          onConflict={() => setOverlay('merge')}
          onSaved={(outcome) => {
            setOverlay(undefined);
            setSaved({ at: new Date().toISOString(), ...outcome });
          }}
        />
      </Suspense>
    );
  }
  return (
    <div className={classes.tab} data-history={showHistory || undefined}>
      <div className={classes.bar}>
        {blocks ? null : (
          <SegmentedControl
            size="xs"
            value={mode}
            onChange={(value) => setMode(value as 'text' | 'form')}
            data={[
              { value: 'text', label: 'Text' },
              { value: 'form', label: 'Form' },
            ]}
            aria-label="How to edit"
          />
        )}
        <ValidationState validation={validation} />
        <span className="grow" />
        {isDirty && draft ? (
          <span className="dim">
            Draft, <Ago at={draft.at} />
          </span>
        ) : saved ? (
          <State tone={saved.reloaded ? 'ok' : 'warn'}>
            {saved.reloaded ? 'Saved and active' : 'Saved, not active'}
          </State>
        ) : null}
        {isDirty ? (
          <Button size="xs" variant="subtle" onClick={document.discard}>
            Discard draft
          </Button>
        ) : null}
        <Button
          size="xs"
          variant="filled"
          leftSection={<IconGitCompare size={14} />}
          disabled={!isDirty}
          onClick={review}
        >
          Review
        </Button>
        {blocks ? null : (
          <Tooltip label="History">
            <ActionIcon
              size="sm"
              aria-label="History"
              aria-pressed={showHistory}
              onClick={() => setPane('config-history', !isHistoryWanted)}
            >
              <IconHistory size={17} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      <Notes document={document} lack={lack} onMerge={() => setOverlay('merge')} warnings={saved?.warnings ?? []} />
      <div className={classes.panes}>
        {mode === 'text' ? <Outline text={text} onGo={(line) => editor.current?.goTo(line)} /> : null}
        <div className={classes.middle}>
          <Suspense fallback={<SkeletonRows rows={14} />}>
            {mode === 'text' ? (
              <YamlEditor
                text={text}
                onChange={document.setText}
                isReadOnly={isReadOnly}
                label={`config.yaml of ${app}`}
                schema={schema}
                diagnostics={validation.result && { of: validation.of, list: validation.result.diagnostics }}
                onReview={review}
                handle={editor}
              />
            ) : (
              <FormView
                text={text}
                onChange={document.setText}
                schema={schema}
                isReadOnly={isReadOnly}
                blocks={blocks}
              />
            )}
          </Suspense>
          <ProblemsPanel
            diagnostics={validation.result?.diagnostics ?? []}
            error={validation.error}
            onGo={(line, column) => {
              if (blocks) return;
              setMode('text');
              editor.current?.goTo(line, column);
            }}
          />
        </div>
        {showHistory ? (
          <Timeline app={app} isReadOnly={lack !== undefined || raw.writable === false} hasDraft={isDirty} />
        ) : null}
      </div>
    </div>
  );
}

/** The daemon's word on the text, in short. */
function ValidationState({
  validation,
}: {
  validation: { result: Validation | undefined; isChecking: boolean; error: Error | null };
}) {
  const { result, isChecking, error } = validation;
  if (error) return <State tone="warn">not checked</State>;
  if (result === undefined) return null;
  const errors = result.diagnostics.filter((one) => one.severity === 'error').length;
  const warnings = result.diagnostics.filter((one) => one.severity === 'warning').length;
  return (
    <span role="status" data-checking={isChecking || undefined}>
      {errors > 0 ? (
        <State tone="danger">{plural(errors, 'error')}</State>
      ) : warnings > 0 ? (
        <State tone="warn">valid, {plural(warnings, 'warning')}</State>
      ) : (
        <State tone="ok">valid</State>
      )}
    </span>
  );
}

function Notes({
  document,
  lack,
  onMerge,
  warnings,
}: {
  document: ConfigDocument;
  lack: string | undefined;
  onMerge: () => void;
  warnings: readonly string[];
}) {
  const { raw, isBehind, draft } = document;
  return (
    <>
      {lack !== undefined ? (
        <Notice tone="info" title="You can read this config, not change it">
          <p>
            Changing needs {lack}. {raw.hidden ?? 'Secrets are masked.'}
          </p>
        </Notice>
      ) : null}
      <ReadOnlyConfig problem={raw.writeProblem} />
      {raw.problem ? (
        <Notice tone="danger" title={`The file is not active: ${raw.problem.message}`} role="alert">
          <p>
            The last good config is kept, since <Ago at={raw.problem.since} />. Correct the text below and save it.
          </p>
        </Notice>
      ) : null}
      {isBehind && draft ? (
        <Notice
          tone="warn"
          title="The config was changed elsewhere since you began this draft"
          action={
            <Button size="xs" onClick={onMerge}>
              Bring together
            </Button>
          }
        >
          <p>Your draft is kept. Resolve the conflict, then save it.</p>
        </Notice>
      ) : null}
      {warnings.map((warning) => (
        <Notice key={warning} tone="warn" title={warning} />
      ))}
    </>
  );
}
