import { Button, PasswordInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { applyConfiguration, listRollbackPoints, planConfiguration } from '#shared/contract/declared.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import type { Plan, PlanBody, PlannedChange } from '#shared/schema/declared.ts';
import { useChange } from '../../api/query.ts';
import { DiffText } from '../../ui/data/diff-text.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Form, FormActions, useApiForm } from '../../ui/form/form.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';

const PATIENCE = 600_000;
const ACTIONS = {
  create: { tone: 'ok', word: 'create' },
  change: { tone: 'info', word: 'change' },
  delete: { tone: 'danger', word: 'delete' },
} as const;

/** What would change, secrets that are missing, then the button. */
export function PlanReview({
  wanted,
  onChange,
  onApplied,
  onClose,
}: {
  wanted: PlanBody;
  onChange: (wanted: PlanBody) => void;
  /** The apply has begun, as this job. */
  onApplied: (job: number) => void;
  onClose: () => void;
}) {
  const plan = useChange(planConfiguration, { timeout: PATIENCE });
  const { mutate } = plan;
  useEffect(() => mutate({ body: wanted }), [mutate, wanted]);
  const title = wanted.rollbackPoint === undefined ? 'Plan' : `Plan: back to roll-back point ${wanted.rollbackPoint}`;
  return (
    <Panel title={title}>
      <div className="stack">
        {plan.isPending ? <p role="status">Comparing with what is there</p> : null}
        {plan.error ? (
          <Problem error={plan.error} title="Nothing was changed" onRetry={() => mutate({ body: wanted })}>
            <Button size="xs" onClick={onClose}>
              Choose other files
            </Button>
          </Problem>
        ) : null}
        {plan.data === undefined || plan.isPending ? null : (
          <Reviewed
            plan={plan.data}
            wanted={wanted}
            onChange={onChange}
            onApplied={onApplied}
            onClose={onClose}
            onOutdated={() => mutate({ body: wanted })}
          />
        )}
      </div>
    </Panel>
  );
}

function Reviewed({
  plan,
  wanted,
  onChange,
  onApplied,
  onClose,
  onOutdated,
}: {
  plan: Plan;
  wanted: PlanBody;
  onChange: (wanted: PlanBody) => void;
  onApplied: (job: number) => void;
  onClose: () => void;
  onOutdated: () => void;
}) {
  const { changes, kept, unresolved, fingerprint } = plan;
  const apply = useChange(applyConfiguration, { timeout: PATIENCE, refreshes: [listJobs, listRollbackPoints] });
  if (changes.length === 0)
    return (
      <>
        <Notice tone="ok" title="Nothing to change">
          <p>The installation is already as the folder describes it.</p>
        </Notice>
        <Kept kept={kept} />
        <FormActions action="Done" onAction={onClose} />
      </>
    );
  const counts = (['create', 'change', 'delete'] as const).map(
    (action) => `${changes.filter((one) => one.action === action).length} to ${action}`,
  );
  const deletes = changes.some(({ action }) => action === 'delete');
  const send = (): void =>
    apply.mutate(
      { body: { ...wanted, fingerprint }, headers: { prefer: 'respond-async' } },
      { onSuccess: (begun) => 'id' in begun && onApplied(begun.id) },
    );
  return (
    <>
      <p>{counts.join(', ')}</p>
      {unresolved.length > 0 ? <MissingSecrets names={unresolved} wanted={wanted} onChange={onChange} /> : null}
      <ol className="stack" style={{ listStyle: 'none', padding: 0, margin: 0 }} aria-label="Changes">
        {changes.map((change) => (
          <li key={`${change.action} ${change.kind} ${change.name}`}>
            <OneChange change={change} />
          </li>
        ))}
      </ol>
      <Kept kept={kept} />
      {apply.error ? (
        <Problem error={apply.error} title="Nothing was changed">
          <Button size="xs" onClick={onOutdated}>
            Make a new plan
          </Button>
        </Problem>
      ) : null}
      <FormActions
        action={`Apply ${plural(changes.length, 'change')}`}
        onAction={send}
        onCancel={onClose}
        isPending={apply.isPending}
        isDangerous={deletes}
      />
    </>
  );
}

function OneChange({ change }: { change: PlannedChange }) {
  const { action, kind, name, diff, warnings } = change;
  return (
    <div className="stack" style={{ gap: 6 }}>
      <div className="row" style={{ flexWrap: 'wrap' }}>
        <State tone={ACTIONS[action].tone}>{ACTIONS[action].word}</State>
        <strong style={{ overflowWrap: 'anywhere' }}>{kind === name ? kind : `${kind} ${name}`}</strong>
      </div>
      {warnings.map((warning) => (
        <Notice key={warning} tone="warn" title={warning} />
      ))}
      {diff === '' ? null : <DiffText diff={diff} label={`Changes of ${kind} ${name}`} />}
    </div>
  );
}

function Kept({ kept }: { kept: Plan['kept'] }) {
  if (kept.length === 0) return null;
  return (
    <details>
      <summary>{plural(kept.length, 'object')} left alone that the folder doesn’t have</summary>
      <ul>
        {kept.map(({ kind, name }) => (
          <li key={`${kind} ${name}`}>
            {kind} {name}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Secrets are sent with the plan, and kept nowhere else. */
function MissingSecrets({
  names,
  wanted,
  onChange,
}: {
  names: readonly string[];
  wanted: PlanBody;
  onChange: (wanted: PlanBody) => void;
}) {
  const [initial] = useState(() => Object.fromEntries(names.map((name) => [name, ''])));
  const form = useApiForm({
    initialValues: initial as Record<string, string>,
    send: async (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')),
    onDone: (given) => onChange({ ...wanted, secrets: { ...wanted.secrets, ...given } }),
  });
  return (
    <Notice tone="warn" title={`${plural(names.length, 'secret')} without a value`}>
      <p>The folder only refers to them, and the server has none. Without a value, the field is left out.</p>
      <Form form={form} action="Use secrets">
        {names.map((name) => (
          <PasswordInput key={name} label={name} autoComplete="off" {...form.getInputProps(name)} />
        ))}
      </Form>
    </Notice>
  );
}
