import { Button, Checkbox, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getSettings, getStats, patchSettings, testConnection, undoSettings } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import type { ConnectionName, ConnectionTest } from '#shared/schema/connections.ts';
import { useChange } from '../../api/query.ts';
import { useMe } from '../../api/rights.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { StepList, testedSteps } from '../../ui/feedback/step-list.tsx';
import { type ApiForm, Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { ticked } from '../../ui/words/ticks.tsx';
import { Ago } from '../../ui/words/time.tsx';
import classes from './settings.module.css';

type Settings = ResultOf<typeof getSettings>['data'];
export type Setting = Settings['settings'][number];
type Values = Record<string, string | boolean>;

/** A test waits for servers that may not answer. */
const LIMIT_MS = 90_000;
const REFRESHES = [getSettings, getStats, getLiveKit];

export const TEST_STEPS: Record<ConnectionTest['steps'][number]['id'], string> = {
  settings: 'Settings',
  resolve: 'DNS',
  connect: 'Connect',
  signIn: 'Sign in',
  use: 'Permissions',
};

/** The text in a field: of a hidden value nothing, because it is only ever replaced. */
function textOf({ secret, type, value, pending, pendingValue, default: fallback }: Setting): string | boolean {
  const current = pending ? pendingValue : value;
  if (type === 'flag') return current === true;
  if (secret) return '';
  // a default is shown as the placeholder, so that an empty field means it
  if (type !== 'enum' && JSON.stringify(current) === JSON.stringify(fallback)) return '';
  return Array.isArray(current) ? current.join(', ') : String(current ?? '');
}

/** What was changed, as the daemon takes it; an empty field means the default. */
const bodyOf = (base: Values, values: Values): Record<string, string | boolean | null> =>
  Object.fromEntries(
    Object.entries(changesFrom(base, values)).map(([name, value]) => [name, value === '' ? null : (value ?? null)]),
  );

/** Fields for settings of one group, with the test of their connection, and the way back. */
export function SettingsForm({
  settings,
  etag,
  action,
  keep,
  isFound = () => true,
  onSaved,
}: {
  settings: readonly Setting[];
  etag: string;
  /** Label of the button. */
  action: string;
  keep: string;
  /** Fields that the search leaves out keep what was typed; those that were changed stay visible. */
  isFound?: (setting: Setting) => boolean;
  onSaved?: () => void;
}) {
  const me = useMe();
  const editable = settings.filter(({ change, lockedBy }) => change !== 'start' && lockedBy === null);
  const connections = [...new Set(editable.flatMap(({ test }) => (test === null ? [] : [test])))];
  const change = useChange(patchSettings, { refreshes: REFRESHES, timeout: LIMIT_MS });
  const undo = useChange(undoSettings, { refreshes: REFRESHES });
  const test = useChange(testConnection, { timeout: LIMIT_MS });
  const [failed, setFailed] = useState<ConnectionTest>();
  const save = async (values: Values, base: Values, saveUntested: boolean): Promise<void> => {
    setFailed(undefined);
    test.reset();
    try {
      await change.mutateAsync({
        headers: { 'if-match': etag },
        body: { values: bodyOf(base, values), ...(saveUntested ? { saveUntested } : {}) },
      });
    } catch (error) {
      if (error instanceof DaemonError && error.code === 'SETTINGS_TEST_FAILED')
        setFailed(error.body['test'] as ConnectionTest);
      throw error;
    }
  };
  const form = useApiForm<Values, void>({
    initialValues: Object.fromEntries(editable.map((one) => [one.name, textOf(one)])),
    keep,
    fields: (path) => path.replace(/^values\./, ''),
    send: (values, base) => save(values, base, false),
    followsSaved: true,
    onDone: () => onSaved?.(),
  });
  const changed = bodyOf(form.base, form.values);
  const hasChanges = Object.keys(changed).length > 0;
  const last = settings
    .flatMap((one) => (one.changed === null ? [] : [one.changed]))
    .toSorted((a, b) => b.revision - a.revision)[0];
  const shown = failed ?? test.data;
  const tryOut = (connection: ConnectionName, sendMail: boolean): void => {
    setFailed(undefined);
    test.mutate({ params: { connection }, body: { values: changed, ...(sendMail ? { sendMail } : {}) } });
  };
  return (
    <Form
      form={form}
      action={action}
      isDisabled={!hasChanges}
      hasActions={editable.length > 0}
      hasProblem={failed === undefined}
      problemTitle="The settings were not saved."
      onCancel={hasChanges ? form.discard : undefined}
      aside={
        <>
          {connections.map((connection) => (
            <Button key={connection} loading={test.isPending} onClick={() => tryOut(connection, false)}>
              Test connection
            </Button>
          ))}
          {connections.includes('mail') && me?.email ? (
            <Button loading={test.isPending} onClick={() => tryOut('mail', true)}>
              Send test mail to me
            </Button>
          ) : null}
        </>
      }
      after={
        <div className="stack" style={{ gap: 8 }} role="status">
          {failed ? <State tone="danger">Not saved, because the test failed</State> : null}
          {shown ? <StepList steps={testedSteps(shown.steps, TEST_STEPS)} /> : null}
          {failed && hasChanges ? (
            <div>
              <Button
                size="xs"
                loading={change.isPending}
                onClick={() => void form.submit((values, base) => save(values, base, true))}
              >
                Save anyway
              </Button>
            </div>
          ) : null}
          {test.error ? <Problem error={test.error} title="The test could not be run." /> : null}
          {last ? (
            <p className="dim row">
              <span>
                Changed by {last.by}, <Ago at={last.at} />
              </span>
              <Button
                variant="subtle"
                size="compact-sm"
                loading={undo.isPending}
                onClick={() => undo.mutate({ body: { revision: last.revision }, headers: { 'if-match': etag } })}
              >
                Undo change
              </Button>
            </p>
          ) : null}
          {undo.error ? <Problem error={undo.error} title="The change was not undone." /> : null}
        </div>
      }
    >
      <div className={classes.fields}>
        {settings
          .filter((one) => one.change !== 'start' && (isFound(one) || changed[one.name] !== undefined))
          .map((one) => (
            <Field
              key={one.name}
              setting={one}
              props={form.getInputProps}
              isBehind={changed[one.name] !== undefined && form.base[one.name] !== textOf(one)}
            />
          ))}
      </div>
    </Form>
  );
}

function Field({
  setting,
  props,
  isBehind,
}: {
  setting: Setting;
  props: ApiForm<Values>['getInputProps'];
  /** It was changed elsewhere after it was changed here. */
  isBehind: boolean;
}) {
  const { name, label, description, type, secret, isSet, shown, lockedBy, values, default: fallback } = setting;
  const note = (
    <>
      {ticked(description)} <code>{name}</code>
      {lockedBy ? <span className={classes.note}>Locked: set by {lockedBy}.</span> : null}
      {setting.pending ? <span className={classes.note}>Takes effect after a restart.</span> : null}
      {!setting.pending && setting.change === 'restart' ? (
        <span className={classes.quiet}>Changes take effect after a restart.</span>
      ) : null}
      {isBehind ? (
        <span className={classes.wrong}>
          Changed elsewhere to “{textOf(setting) || 'default'}” in the meantime. Saving replaces it.
        </span>
      ) : null}
      {setting.problem ? <span className={classes.wrong}>The stored value {setting.problem}.</span> : null}
    </>
  );
  const isLocked = lockedBy !== null;
  const text = textOf(setting);
  if (type === 'flag')
    return (
      <Checkbox
        label={label}
        description={note}
        {...(isLocked ? { disabled: true, checked: text === true, readOnly: true } : props(name, { type: 'checkbox' }))}
      />
    );
  const common = {
    label,
    description: note,
    ...(isLocked ? { disabled: true, value: String(text), readOnly: true } : props(name)),
  };
  if (type === 'enum') return <NativeSelect {...common} data={values ?? []} />;
  const defaultText = Array.isArray(fallback) ? fallback.join(', ') : String(fallback ?? '');
  if (secret)
    return (
      <PasswordInput
        {...common}
        autoComplete="new-password"
        placeholder={isSet ? (shown ?? 'Set. Type to replace it') : 'Not set'}
      />
    );
  return (
    <TextInput
      {...common}
      placeholder={defaultText}
      spellCheck={false}
      inputMode={type === 'int' ? 'numeric' : 'text'}
      styles={{ input: { fontFamily: 'var(--mono)' } }}
    />
  );
}
