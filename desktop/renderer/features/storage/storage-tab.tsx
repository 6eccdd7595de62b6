import { Button, Checkbox, PasswordInput, Radio, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { isGlobal } from '#shared/access.ts';
import { getAppSizes } from '#shared/contract/apps.ts';
import { getRawConfig, listConfigBackups } from '#shared/contract/config.ts';
import { getDeliveryPlan } from '#shared/contract/delivery.ts';
import { allowS3Pages, createS3Bucket, getS3, listStorageProviders, putS3, testS3 } from '#shared/contract/s3.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack, useMe } from '../../api/rights.ts';
import { QueryView, SkeletonRows } from '../../ui/data/query-view.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { type ApiForm, FormActions, useApiForm } from '../../ui/form/form.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { bytes, plural, recordingsOf } from '../../ui/words/format.ts';
import { ReadOnlyConfig, useWriteProblem } from '../config/read-only.tsx';
import { BucketState } from './bucket-state.tsx';
import { ProviderTiles } from './provider-tiles.tsx';
import classes from './storage.module.css';
import {
  bodyOf,
  changesOf,
  fieldOf,
  formOf,
  hasRole,
  opensBucket,
  type Provider,
  type S3View,
  type StorageForm,
  switchProvider,
} from './storage-model.ts';
import { TestSteps } from './test-steps.tsx';

const SchemaForm = lazy(() => import('../../ui/form/schema-form.tsx'));

/** The bucket of an app: provider, settings from its own schema, credentials, a test in steps, and the public address. */
export function StorageTab({ app }: { app: string }) {
  const s3 = useRead(getS3, { params: { name: app } });
  const providers = useRead(listStorageProviders);
  return (
    <QueryView query={s3} what="the storage settings">
      {(view) => (
        <QueryView query={providers} what="the storage providers">
          {(list) => <Editing key={app} app={app} view={view} providers={list} />}
        </QueryView>
      )}
    </QueryView>
  );
}

function Editing({ app, view, providers }: { app: string; view: S3View; providers: readonly Provider[] }) {
  const lack = useLack(putS3);
  const stored = formOf(
    view,
    providers.find((one) => one.id === view.provider),
  );
  const save = useChange(putS3, { refreshes: [getS3, getRawConfig, listConfigBackups] });
  const form = useApiForm<StorageForm, unknown>({
    initialValues: stored,
    keep: `storage:${app}`,
    fields: fieldOf,
    send: (values) => save.mutateAsync({ params: { name: app }, body: bodyOf(values, view) }),
    followsSaved: true,
  });
  const { values } = form;
  const [isValid, setValid] = useState(true);
  const provider = providers.find((one) => one.id === values.provider);
  const test = useChange(testS3, { timeout: 90_000, refreshes: [getS3] });
  const body = bodyOf(values, view);
  const changes = changesOf(body, view, provider);
  const opens = opensBucket(values, view);
  const writeProblem = useWriteProblem(app);
  const isReadOnly = lack !== undefined || writeProblem !== undefined;
  const allow = useChange(allowS3Pages, { timeout: 90_000, refreshes: [getDeliveryPlan] });
  const create = useChange(createS3Bucket, { timeout: 90_000, refreshes: [getS3] });
  const tried = () => {
    const { confirmPublic: _confirm, public_url: _url, public_endpoint: _endpoint, ...settings } = body;
    return { params: { name: app }, body: settings };
  };
  const runTest = (): void => test.mutate(tried());

  return (
    <div className={classes.columns}>
      <div className="stack">
        {lack ? (
          <Notice tone="info" title="You can see these settings, not change them">
            <p>Changing needs {lack}.</p>
          </Notice>
        ) : null}
        <ReadOnlyConfig problem={writeProblem} />
        {view.warnings.map((warning) => (
          <Notice key={warning} tone="warn" title={warning} />
        ))}
        {view.keptLocally && view.provider !== 'local' ? (
          <Notice tone="info" title={`Recordings of ${app} stay on this machine`}>
            <p>
              No bucket is set, so LiveKit writes them to the app’s folder. Choose a provider and enter a bucket to
              store them elsewhere. Recordings that exist stay where they are.
            </p>
          </Notice>
        ) : null}
        {view.elsewhere.length > 0 ? (
          <Notice tone="info" title={`${plural(view.recordingsElsewhere, 'recording')} in other buckets`}>
            {view.elsewhere.map(({ bucket, endpoint, options, recordings, credentials }) => (
              <p key={JSON.stringify([bucket, endpoint, options])}>
                {plural(recordings, 'recording')} in {bucket}
                {endpoint ? ` at ${endpoint}` : ''}
                {Object.entries(options).map(([name, value]) => `, ${name} ${value}`)}.{' '}
                {credentials === 'own'
                  ? 'StreamHub keeps the credentials of that bucket for their links and deletion.'
                  : 'The credentials below are used for their links and deletion.'}
              </p>
            ))}
          </Notice>
        ) : null}
        <Panel title="Provider">
          <ProviderTiles
            providers={providers}
            chosen={values.provider}
            isReadOnly={isReadOnly}
            onChoose={(next) => form.setValues(switchProvider(values, next, view))}
          />
        </Panel>
        {provider === undefined ? (
          <Notice tone="danger" title={`No plugin brings the provider ${values.provider}`}>
            <p>Choose another one, or install its plugin again.</p>
          </Notice>
        ) : provider.inAppFolder ? (
          <Panel title="Folder">
            <p>
              Recordings are files in the folder of {app} on the daemon’s machine. There is nothing to set: no bucket,
              no keys. The daemon makes the links, which open one file and end.
            </p>
            <p className="dim">
              They share the disk with the daemon’s databases. LiveKit’s egress service has to see the same folder.
            </p>
          </Panel>
        ) : (
          <>
            <Panel
              title="Bucket"
              note={
                provider.docsUrl ? (
                  <a href={provider.docsUrl} target="_blank" rel="noreferrer">
                    {provider.title} documentation
                  </a>
                ) : undefined
              }
            >
              <Suspense fallback={<SkeletonRows rows={5} />}>
                <SchemaForm
                  key={values.provider}
                  name="storage"
                  schema={provider.settings as never}
                  value={values.settings}
                  refusals={settingErrors(form.errors)}
                  isDisabled={isReadOnly}
                  onChange={(settings, valid) => {
                    setValid(valid);
                    form.setFieldValue('settings', settings);
                  }}
                />
              </Suspense>
              <p className="dim">
                {provider.egressTarget
                  ? 'LiveKit writes recordings to this storage.'
                  : 'LiveKit can’t write to this storage. It writes recordings to the app’s folder, and a job moves each one to the storage.'}
              </p>
              <TextInput
                mt={12}
                label="Prefix"
                description="New objects are stored below it. Recordings that exist stay where they are."
                {...form.getInputProps('prefix')}
                disabled={isReadOnly}
              />
            </Panel>
            <Credentials view={view} provider={provider} form={form} isReadOnly={isReadOnly} />
            <Panel title="Public address">
              <TextInput
                label="Public URL"
                description="Base address of the bucket or its CDN. Leave empty for expiring signed links."
                placeholder="https://media.example.com"
                {...form.getInputProps('publicUrl')}
                disabled={isReadOnly}
              />
              <TextInput
                mt={12}
                label="Public endpoint"
                description="Signed links use this address of the service. Empty: they use the endpoint."
                placeholder="https://s3.example.com"
                {...form.getInputProps('publicEndpoint')}
                disabled={isReadOnly}
              />
              {opens ? (
                <div style={{ marginTop: 12 }}>
                  <Notice tone="warn" title="Recordings become public">
                    <p>
                      Every recording of {app} gets an open link. Whoever has the link can watch and download it,
                      without signing in and forever; what is copied cannot be called back.
                    </p>
                    <Checkbox
                      mt={8}
                      {...form.getInputProps('confirmPublic', { type: 'checkbox' })}
                      label={`Make the recordings of ${app} public`}
                    />
                  </Notice>
                </div>
              ) : view.publicWarning && values.publicUrl !== '' ? (
                <p className={classes.publicNote}>{view.publicWarning}</p>
              ) : null}
            </Panel>
          </>
        )}
        {form.problem === undefined ? null : <Problem error={form.problem} title="Nothing was changed." />}
        {isReadOnly ? null : (
          <div className={classes.save} data-changed={changes.length > 0 || undefined}>
            {changes.length > 0 ? (
              <ul aria-label="What saving changes">
                {changes.map(({ name, before, after }) => (
                  <li key={name}>
                    {name}: <span className="dim">{before}</span> → {after}
                  </li>
                ))}
              </ul>
            ) : (
              <span className="grow">
                {form.isDone ? <State tone="ok">Saved and active</State> : <span className="dim">Nothing changed</span>}
              </span>
            )}
            <FormActions
              action="Save storage"
              onAction={() => void form.submit()}
              isPending={form.isPending}
              isDisabled={changes.length === 0 || !isValid || (opens && !values.confirmPublic)}
              aside={changes.length > 0 ? <Button onClick={form.discard}>Discard changes</Button> : null}
            />
          </div>
        )}
      </div>
      <div className="stack">
        <Panel
          title="Test"
          actions={
            lack !== undefined ? null : (
              <span className="row">
                {provider?.inAppFolder === false && (values.settings['bucket'] ?? '') !== '' ? (
                  <Button size="xs" loading={create.isPending} onClick={() => create.mutate(tried())}>
                    Create bucket
                  </Button>
                ) : null}
                <Button size="xs" loading={test.isPending} onClick={runTest}>
                  Test storage
                </Button>
              </span>
            )
          }
        >
          {create.error ? <Problem error={create.error} title="The bucket was not created." /> : null}
          {create.data && !create.error ? (
            <p role="status">
              {create.data.isNew
                ? `Bucket ${create.data.bucket} created.`
                : `Bucket ${create.data.bucket} already exists.`}
            </p>
          ) : null}
          {allow.error ? <Problem error={allow.error} title="The bucket’s CORS rules were not changed." /> : null}
          <TestSteps result={test.data} error={test.error} isRunning={test.isPending} isOfForm={changes.length > 0} />
          {lack === undefined && test.data?.steps.some(({ id, state }) => id === 'pages' && state === 'warning') ? (
            <Button size="xs" loading={allow.isPending} onClick={() => allow.mutate(tried(), { onSuccess: runTest })}>
              Allow pages
            </Button>
          ) : null}
        </Panel>
        <Usage app={app} view={view} />
      </div>
    </div>
  );
}

/** The fields of a provider's credentials. */
export function Credentials({
  view,
  provider,
  form,
  isReadOnly,
}: {
  view: Pick<S3View, 'credentials' | 'hasKey' | 'hasSecret' | 'keyMasked'> &
    Partial<Pick<S3View, 'keySource' | 'secretSource' | 'accessKeyEnv' | 'secretKeyEnv' | 'secretMasked'>>;
  provider: Provider;
  form: ApiForm<StorageForm>;
  isReadOnly: boolean;
}) {
  const me = useMe();
  const isOperator = me !== undefined && isGlobal(me);
  if (provider.credentials.length === 0) {
    return (
      <Panel title="Credentials">
        <p className="dim">{provider.title} needs none.</p>
      </Panel>
    );
  }
  const isRole = form.values.credentials === 'role';
  return (
    <Panel title="Credentials" note="Stored apart from config.yaml, shown to nobody.">
      <div className="stack">
        {hasRole(provider) ? (
          <Radio.Group
            label="Source"
            description={
              isOperator
                ? 'The role reaches every bucket that AWS allows it. Signed links end when its credentials do, after some hours at most.'
                : 'Only an operator can choose the machine’s AWS role: it can reach buckets of other teams.'
            }
            {...form.getInputProps('credentials')}
          >
            <div className="stack" style={{ marginTop: 8 }}>
              <Radio value="keys" label="Access key and secret key" disabled={isReadOnly} />
              <Radio
                value="role"
                label="AWS role of the daemon’s machine"
                disabled={isReadOnly || !(isOperator || view.credentials === 'role')}
              />
            </div>
          </Radio.Group>
        ) : null}
        {(isRole ? [] : provider.credentials).map(({ name, title, description, secret }) => {
          const has = name === 'key' ? view.hasKey : view.hasSecret;
          const source = name === 'key' ? view.keySource : view.secretSource;
          const variable = name === 'key' ? view.accessKeyEnv : view.secretKeyEnv;
          const stored = name === 'key' ? view.keyMasked : (view.secretMasked ?? 'One');
          const props = {
            label: title,
            description:
              description ??
              (source === 'environment'
                ? `Comes from the environment variable ${variable}, which wins over what is stored.`
                : undefined),
            placeholder: has ? `${stored} is stored; type to replace it` : '',
            ...form.getInputProps(name),
            disabled: isReadOnly,
            autoComplete: 'off',
            spellCheck: false,
          };
          return secret ? (
            <PasswordInput key={name} {...props} />
          ) : (
            <TextInput key={name} {...props} styles={{ input: { fontFamily: 'var(--mono)' } }} />
          );
        })}
      </div>
    </Panel>
  );
}

/** What the daemon said about the fields of the provider's own schema. */
export const settingErrors = (errors: ApiForm<StorageForm>['errors']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(errors)
      .filter(([name]) => name.startsWith('settings.'))
      .map(([name, message]) => [name.slice('settings.'.length), String(message)]),
  );

function Usage({ app, view }: { app: string; view: S3View }) {
  const sizes = useRead(getAppSizes, { params: { name: app } });
  return (
    <Panel title="Usage">
      <Facts
        items={{
          State: view.bucket === '' ? 'no bucket, local disk' : <BucketState s3={view} isAlone />,
          Recordings: sizes.data ? plural(recordingsOf(sizes.data), 'recording') : '…',
          'Failed attempts': sizes.data && sizes.data.vodFailed > 0 ? sizes.data.vodFailed : undefined,
          'Total size': sizes.data ? bytes(sizes.data.vodTotalBytes) : '…',
          ...(sizes.data?.vodLadderBytes ? { 'HLS and WebM versions': bytes(sizes.data.vodLadderBytes) } : {}),
          Database: sizes.data ? bytes(sizes.data.dbSizeBytes) : '…',
          Links: view.publicVods ? (
            <State tone="info">public</State>
          ) : view.credentials === 'role' ? (
            'signed, some hours'
          ) : (
            'signed, 7 days'
          ),
        }}
      />
    </Panel>
  );
}
