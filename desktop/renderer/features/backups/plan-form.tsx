import { NumberInput, PasswordInput, Switch, TextInput } from '@mantine/core';
import { getBackupPlan, listBackups, updateBackupPlan } from '#shared/contract/backups.ts';
import type { BackupPlan } from '#shared/schema/backups.ts';
import { useChange } from '../../api/query.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { DestinationField } from './destination-field.tsx';

export function PlanForm({ plan, onClose }: { plan: BackupPlan; onClose: () => void }) {
  const update = useChange(updateBackupPlan, { refreshes: [getBackupPlan, listBackups] });
  const { recordings, logs, monthlyTest, destination } = plan;
  const form = useApiForm({
    initialValues: {
      cron: plan.cron ?? '',
      destination,
      recordings,
      logs,
      keepLast: plan.keepLast as number | string,
      keepDays: plan.keepDays as number | string,
      monthlyTest,
      passphrase: '',
    },
    send: ({ cron, passphrase, keepLast, keepDays, ...values }) =>
      update.mutateAsync({
        body: {
          ...values,
          cron: cron.trim() === '' ? null : cron.trim(),
          keepLast: Number(keepLast),
          keepDays: Number(keepDays),
          ...(passphrase === '' ? {} : { passphrase }),
        },
      }),
    onDone: onClose,
  });
  return (
    <Form form={form} action="Save schedule" problemTitle="The schedule was not saved." onCancel={onClose}>
      <TextInput
        label="Schedule"
        description="Minute, hour, day, month and weekday in UTC. Leave empty to make backups by hand only."
        placeholder="0 3 * * *"
        spellCheck={false}
        {...form.getInputProps('cron')}
      />
      <DestinationField {...form.getInputProps('destination')} />
      <Switch label="With recordings on this machine" {...form.getInputProps('recordings', { type: 'checkbox' })} />
      <Switch label="With the log" {...form.getInputProps('logs', { type: 'checkbox' })} />
      <NumberInput label="Always keep the last" min={1} max={1000} {...form.getInputProps('keepLast')} />
      <NumberInput
        label="Delete older ones after days"
        description="0: keep only by number."
        min={0}
        max={3650}
        {...form.getInputProps('keepDays')}
      />
      <Switch
        label="Test a restore once a month"
        description="The newest backup is restored to a temporary folder, every database is opened, and the folder is deleted."
        {...form.getInputProps('monthlyTest', { type: 'checkbox' })}
      />
      <PasswordInput
        label="Passphrase"
        description={
          plan.hasPassphrase
            ? 'One is stored. Leave empty to keep it.'
            : 'Needed for scheduled backups. At least 8 characters.'
        }
        autoComplete="new-password"
        {...form.getInputProps('passphrase')}
      />
    </Form>
  );
}
