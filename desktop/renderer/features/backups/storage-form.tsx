import { Button, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import {
  deleteBackupStorage,
  getBackupPlan,
  getBackupStorage,
  listBackups,
  putBackupStorage,
  testBackupStorage,
} from '#shared/contract/backups.ts';
import { listStorageProviders } from '#shared/contract/s3.ts';
import type { BackupStorageView } from '#shared/schema/backups.ts';
import { useChange, useRead } from '../../api/query.ts';
import { QueryView, SkeletonRows } from '../../ui/data/query-view.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { FormActions, useApiForm } from '../../ui/form/form.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { ProviderTiles } from '../storage/provider-tiles.tsx';
import { bodyOf, fieldOf, formOf, type Provider, type StorageForm, switchProvider } from '../storage/storage-model.ts';
import { Credentials, settingErrors } from '../storage/storage-tab.tsx';
import { TestSteps } from '../storage/test-steps.tsx';

const SchemaForm = lazy(() => import('../../ui/form/schema-form.tsx'));
const refreshes = [getBackupStorage, getBackupPlan, listBackups];

/** The storage that only backups use: a bucket of any provider, with its own keys. */
export function BackupStorageForm({ onClose }: { onClose: () => void }) {
  const storage = useRead(getBackupStorage);
  const providers = useRead(listStorageProviders);
  return (
    <QueryView query={storage} what="the storage of backups">
      {(view) => (
        <QueryView query={providers} what="the storage providers">
          {(list) => (
            <Editing view={view} providers={list.filter(({ inAppFolder }) => !inAppFolder)} onClose={onClose} />
          )}
        </QueryView>
      )}
    </QueryView>
  );
}

function Editing({
  view,
  providers,
  onClose,
}: {
  view: BackupStorageView;
  providers: readonly Provider[];
  onClose: () => void;
}) {
  const save = useChange(putBackupStorage, { refreshes });
  const test = useChange(testBackupStorage, { timeout: 90_000 });
  const remove = useChange(deleteBackupStorage, { refreshes });
  const form = useApiForm<StorageForm, unknown>({
    initialValues: formOf(
      view,
      providers.find(({ id }) => id === view.provider),
    ),
    fields: fieldOf,
    send: (values) => save.mutateAsync({ body: bodyOf(values, view) }),
    onDone: onClose,
  });
  const { values } = form;
  const [isValid, setValid] = useState(true);
  const provider = providers.find(({ id }) => id === values.provider);
  const isSet = (values.settings['bucket'] ?? '') !== '';
  return (
    <div className="stack">
      {view.warnings.map((warning) => (
        <Notice key={warning} tone="warn" title={warning} />
      ))}
      <ProviderTiles
        providers={providers}
        chosen={values.provider}
        isReadOnly={false}
        onChoose={(next) => form.setValues(switchProvider(values, next, view))}
      />
      {provider === undefined ? (
        <Notice tone="danger" title={`No plugin brings the provider ${values.provider}`}>
          <p>Choose another one, or install its plugin again.</p>
        </Notice>
      ) : (
        <>
          <Panel title="Bucket">
            <Suspense fallback={<SkeletonRows rows={5} />}>
              <SchemaForm
                key={values.provider}
                name="backup-storage"
                schema={provider.settings as never}
                value={values.settings}
                refusals={settingErrors(form.errors)}
                onChange={(settings, valid) => {
                  setValid(valid);
                  form.setFieldValue('settings', settings);
                }}
              />
            </Suspense>
            <TextInput
              mt={12}
              label="Prefix"
              description="Backups are stored below it. Those that are there already are added to the list."
              {...form.getInputProps('prefix')}
            />
          </Panel>
          <Credentials view={view} provider={provider} form={form} isReadOnly={false} />
        </>
      )}
      {form.problem === undefined ? null : <Problem error={form.problem} title="Nothing was changed." />}
      {remove.error ? <Problem error={remove.error} title="Nothing was changed." /> : null}
      {test.error || test.data || test.isPending ? (
        <TestSteps result={test.data} error={test.error} isRunning={test.isPending} isOfForm />
      ) : null}
      <FormActions
        action="Save storage"
        onAction={() => void form.submit()}
        isPending={form.isPending}
        isDisabled={!isValid || !isSet}
        aside={
          <>
            <Button
              disabled={!isSet}
              loading={test.isPending}
              onClick={() => test.mutate({ body: bodyOf(values, view) })}
            >
              Test storage
            </Button>
            {view.configured ? (
              <Button
                variant="subtle"
                loading={remove.isPending}
                onClick={() => remove.mutate({}, { onSuccess: onClose })}
              >
                Forget storage
              </Button>
            ) : null}
          </>
        }
      />
    </div>
  );
}
