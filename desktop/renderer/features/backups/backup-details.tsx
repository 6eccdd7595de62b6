import { Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { listApps } from '#shared/contract/apps.ts';
import { deleteBackup, getBackupPlan, listBackups, restoreBackup, verifyBackup } from '#shared/contract/backups.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import type { Backup, BackupLack } from '#shared/schema/backups.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { bytes, count } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';

const refreshes = [listBackups, getBackupPlan, listJobs];

/** What a backup doesn’t have. */
export function Lacks({ lacks }: { lacks: readonly BackupLack[] }) {
  if (lacks.length === 0) return <p className="dim">Nothing is missing.</p>;
  return (
    <ul className="points">
      {lacks.map(({ code, text }) => (
        <li key={code}>{text}</li>
      ))}
    </ul>
  );
}

export function BackupDetails({ backup, onGone }: { backup: Backup; onGone: () => void }) {
  const verify = useChange(verifyBackup, { refreshes });
  const remove = useChange(deleteBackup, { refreshes });
  const plan = useRead(getBackupPlan);
  const lack = useLack(restoreBackup);
  const { id, state, error, verifyError, version } = backup;
  const isReady = state === 'ready';
  const isOff = lack !== undefined || !isReady;
  return (
    <div className="stack">
      {error === null ? null : <Notice tone="danger" title={error} />}
      {verifyError === null ? null : <Notice tone="danger" title={verifyError} />}
      {verify.error ? <Problem error={verify.error} /> : null}
      {remove.error ? <Problem error={remove.error} /> : null}
      <Facts
        items={{
          Made: <At at={backup.createdAt} />,
          Place: backup.place,
          Size: bytes(backup.sizeBytes),
          ...(version === null
            ? { Content: 'unknown until it is verified' }
            : { Version: version, Files: count(backup.files), Apps: backup.apps.join(', ') || 'none' }),
          Verified: <Ago at={backup.verifiedAt} />,
        }}
      />
      <div className="row">
        {isReady ? <Download backup={backup} /> : null}
        <Button
          disabled={isOff || !plan.data?.hasPassphrase}
          title={plan.data?.hasPassphrase ? undefined : 'Store the passphrase under Schedule first.'}
          loading={verify.isPending}
          onClick={() => verify.mutate({ params: { id }, body: {} })}
        >
          Verify
        </Button>
        <Button
          variant="subtle"
          disabled={lack !== undefined || state === 'writing'}
          onClick={() =>
            ask({
              title: `Delete the backup ${backup.name}`,
              body: <p>Its file is deleted too.</p>,
              action: 'Delete backup',
              isDangerous: true,
              run: async () => {
                await remove.mutateAsync({ params: { id } });
                onGone();
              },
            })
          }
        >
          Delete backup
        </Button>
      </div>
      {version === null ? null : (
        <>
          <h3>Not in this backup</h3>
          <Lacks lacks={backup.lacks} />
        </>
      )}
      {isReady ? (
        <>
          <h3>Restore</h3>
          <RestoreForm backup={backup} hasPassphrase={plan.data?.hasPassphrase ?? false} onClose={onGone} />
        </>
      ) : null}
    </div>
  );
}

/** The browser has the session; the desktop app gives its credential to nothing else. */
function Download({ backup }: { backup: Backup }) {
  const { connection } = useDaemon();
  const url = `${connection.url.replace(/\/$/, '')}/api/v1/backups/${backup.id}/file`;
  if (bridge().host === 'web')
    return (
      <Button component="a" href={url} download={backup.name}>
        Download
      </Button>
    );
  return (
    <CopyBox
      text={`curl -fo ${backup.name} -H "Authorization: Bearer $STREAMHUB_TOKEN" ${url}`}
      what="download command"
    />
  );
}

const EVERYTHING = '';

function RestoreForm({
  backup,
  hasPassphrase,
  onClose,
}: {
  backup: Backup;
  hasPassphrase: boolean;
  onClose: () => void;
}) {
  const restore = useChange(restoreBackup, { refreshes });
  const lack = useLack(restoreBackup);
  const apps = useRead(listApps);
  const form = useApiForm({
    initialValues: { app: EVERYTHING, as: '', passphrase: '' },
    send: ({ app, as, passphrase }) =>
      restore.mutateAsync({
        params: { id: backup.id },
        body: {
          ...(app === EVERYTHING ? {} : { app, ...(as.trim() === '' ? {} : { as: as.trim() }) }),
          ...(passphrase === '' ? {} : { passphrase }),
        },
      }),
    onDone: onClose,
  });
  const { app, as } = form.values;
  const isThere = apps.data?.some(({ name }) => name === app) ?? false;
  return (
    <Form
      form={form}
      action={app === EVERYTHING ? 'Prepare restore' : 'Restore app'}
      problemTitle="The restore was not started."
      isDisabled={lack !== undefined || (isThere && as.trim() === '')}
      isDangerous={app === EVERYTHING}
    >
      <NativeSelect
        label="What to restore"
        data={[
          { value: EVERYTHING, label: 'Everything' },
          ...backup.apps.map((name) => ({ value: name, label: `The app ${name}` })),
        ]}
        {...form.getInputProps('app')}
      />
      {app === EVERYTHING ? (
        <p>
          The backup is unpacked and checked while the daemon runs. At the next start it replaces all apps, configs,
          people, tokens and secrets. What is there now is kept in the folder <code>replaced</code>. Recordings stay.
        </p>
      ) : (
        <>
          <TextInput
            label="Name"
            description={isThere ? `There is an app ${app}. Choose another name.` : 'Leave empty to keep the name.'}
            placeholder={app}
            required={isThere}
            maxLength={32}
            {...form.getInputProps('as')}
          />
          <p>
            The app is added with its config, rows and secrets.{' '}
            {isThere ? `Objects in buckets, ingests and pending callbacks stay with ${app}.` : ''}
          </p>
        </>
      )}
      <PasswordInput
        label="Passphrase"
        description={hasPassphrase ? 'Leave empty to use the stored one.' : undefined}
        required={!hasPassphrase}
        autoComplete="off"
        {...form.getInputProps('passphrase')}
      />
    </Form>
  );
}
