import { PasswordInput, Switch } from '@mantine/core';
import { createBackup, getBackupPlan, listBackups } from '#shared/contract/backups.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import type { BackupPlan } from '#shared/schema/backups.ts';
import { useChange } from '../../api/query.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { DestinationField } from './destination-field.tsx';

export function CreateForm({ plan, onClose }: { plan: BackupPlan; onClose: () => void }) {
  const create = useChange(createBackup, { refreshes: [listBackups, getBackupPlan, listJobs] });
  const form = useApiForm({
    initialValues: {
      destination: plan.destination,
      recordings: plan.recordings,
      logs: plan.logs,
      passphrase: '',
    },
    send: ({ passphrase, ...body }) =>
      create.mutateAsync({ body: { ...body, ...(passphrase === '' ? {} : { passphrase }) } }),
    onDone: onClose,
  });
  return (
    <Form form={form} action="Make backup" problemTitle="The backup was not started." onCancel={onClose}>
      <DestinationField {...form.getInputProps('destination')} />
      <Switch label="With recordings on this machine" {...form.getInputProps('recordings', { type: 'checkbox' })} />
      <Switch label="With the log" {...form.getInputProps('logs', { type: 'checkbox' })} />
      <PasswordInput
        label="Passphrase"
        description={plan.hasPassphrase ? 'Leave empty to use the stored one.' : 'At least 8 characters.'}
        required={!plan.hasPassphrase}
        autoComplete="new-password"
        {...form.getInputProps('passphrase')}
      />
      <Notice tone="info" title="Keep the passphrase in another place. Without it, nobody can open the backup." />
    </Form>
  );
}
