import { Button, Checkbox } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { changedKeys, own } from '#shared/config/values.ts';
import { listApps } from '#shared/contract/apps.ts';
import { getConfig, getRawConfig, listConfigBackups, putRawConfig } from '#shared/contract/config.ts';
import { listPresets } from '#shared/contract/presets.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { refresh, useChange } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import classes from './config.module.css';
import { DiffView } from './diff-view.tsx';
import { ReloadPlan } from './reload-plan.tsx';
import type { SchemaNode } from './schema-nodes.ts';
import type { ConfigDocument } from './use-config-document.ts';
import type { Diagnostic, Validation } from './use-validation.ts';

/** Everything that a saved config makes old. */
export const CONFIG_READS = [getRawConfig, listConfigBackups, getConfig, listApps, listPresets, getS3];

interface Props {
  app: string;
  document: ConfigDocument;
  validation: { result: Validation | undefined; of: string | undefined; error: Error | null };
  schema: SchemaNode | undefined;
  onClose: () => void;
  onConflict: () => void;
  onSaved: (outcome: { reloaded: boolean; warnings: readonly string[] }) => void;
}

/** Exactly what will change, what the daemon thinks of it and when it takes effect; then the button. */
export function Review({ app, document, validation, schema, onClose, onConflict, onSaved }: Props) {
  const { id } = useDaemon();
  const base = document.draft?.base ?? document.raw;
  const { text } = document;
  const put = useChange(putRawConfig, { timeout: 60_000 });
  const [isConfirmed, setConfirmed] = useState(false);
  const { keys, opensBucket } = useMemo(() => compare(base.yaml, text), [base.yaml, text]);
  const result = validation.of === text ? validation.result : undefined;
  const errors = result?.diagnostics.filter((one) => one.severity === 'error') ?? [];
  const warnings = result?.diagnostics.filter((one) => one.severity === 'warning') ?? [];
  const isChecking = result === undefined && validation.error === null;
  const canSave = result?.valid === true && (!opensBucket || isConfirmed) && !put.isPending;

  const save = async (): Promise<void> => {
    if (!canSave) return;
    try {
      const outcome = await put.mutateAsync({
        params: { name: app },
        body: { yaml: text, ...(opensBucket ? { confirmPublic: true } : {}) },
        headers: { 'if-match': base.etag },
      });
      await refresh(id, ...CONFIG_READS);
      onSaved(outcome);
    } catch (error) {
      if (error instanceof DaemonError && error.code === 'PRECONDITION_FAILED') {
        await refresh(id, getRawConfig);
        onConflict();
      }
    }
  };
  useHotkeys([
    ['mod+Enter', () => void save()],
    ['Escape', onClose],
  ]);

  return (
    <div className={classes.review}>
      <div className={classes.bar}>
        <h2 className={classes.reviewTitle}>Review the changes to {app}</h2>
        <span className="grow" />
        <Button size="xs" onClick={onClose}>
          Back to editing
        </Button>
        <Button
          size="xs"
          variant="filled"
          onClick={() => void save()}
          loading={put.isPending || isChecking}
          disabled={!canSave}
        >
          Save config
        </Button>
      </div>
      {put.error && !(put.error instanceof DaemonError && put.error.code === 'PRECONDITION_FAILED') ? (
        <Problem error={put.error} title="Nothing was saved." onRetry={() => void save()} />
      ) : null}
      {errors.length > 0 ? (
        <Notice tone="danger" title="This text cannot be saved" role="alert">
          <ul>
            {errors.map((one) => (
              <Finding key={`${one.line}:${one.message}`} of={one} />
            ))}
          </ul>
        </Notice>
      ) : null}
      {warnings.length > 0 ? (
        <Notice tone="warn" title="It can be saved, but">
          <ul>
            {warnings.map((one) => (
              <Finding key={`${one.line}:${one.message}`} of={one} />
            ))}
          </ul>
        </Notice>
      ) : null}
      {validation.error ? <Problem error={validation.error} title="The daemon could not check this text." /> : null}
      {opensBucket ? (
        <Notice tone="warn" title="This makes recordings public">
          <p>
            With a public URL every recording gets an open link: whoever has the link can watch and download it, without
            signing in and forever.
          </p>
          <Checkbox
            mt={8}
            checked={isConfirmed}
            onChange={(event) => setConfirmed(event.currentTarget.checked)}
            label="Make the recordings of this app public"
          />
        </Notice>
      ) : null}
      <ReloadPlan keys={keys} schema={schema} />
      <DiffView before={base.yaml} after={text} labels={['Active now', 'After saving']} />
    </div>
  );
}

/** Line, key and error. */
function Finding({ of: { line, path, message } }: { of: Diagnostic }) {
  return (
    <li>
      Line {line}: {path ? <code>{path}</code> : null} {message}
    </li>
  );
}

/** The keys whose values differ, and whether the bucket is opened to everyone. */
export function compare(before: string, after: string): { keys: readonly string[]; opensBucket: boolean } {
  const [old, next] = [parseConfig(before).value, parseConfig(after).value];
  const url = (value: unknown): unknown => own(own(value, 's3'), 'public_url') || '';
  return {
    keys: next === null ? [] : changedKeys(old ?? {}, next),
    opensBucket: next !== null && url(old) === '' && url(next) !== '',
  };
}
