import { NumberInput, PasswordInput, Switch, TextInput } from '@mantine/core';
import { getBackupPlan, listBackups, updateBackupPlan } from '#shared/contract/backups.ts';
import type { BackupPlan } from '#shared/schema/backups.ts';
import { useChange } from '../../api/query.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { DestinationField } from './destination-field.tsx';

interface PlanValues {
  cron: string;
  destination: BackupPlan['destination'];
  recordings: boolean;
  logs: boolean;
  keepLast: number | string;
  keepDays: number | string;
  monthlyTest: boolean;
  passphrase: string;
}

const bodyOf = ({ cron, passphrase, keepLast, keepDays, ...values }: PlanValues) => ({
  ...values,
  cron: cron.trim() === '' ? null : cron.trim(),
  keepLast: Number(keepLast),
  keepDays: Number(keepDays),
  ...(passphrase === '' ? {} : { passphrase }),
});

export function PlanForm({ plan, onClose }: { plan: BackupPlan; onClose: () => void }) {
  const update = useChange(updateBackupPlan, { refreshes: [getBackupPlan, listBackups] });
  const { recordings, logs, keepLast, keepDays, monthlyTest, destination } = plan;
  const form = useApiForm<PlanValues, unknown>({
    initialValues: {
      cron: plan.cron ?? '',
      destination,
      recordings,
      logs,
      keepLast,
      keepDays,
      monthlyTest,
      passphrase: '',
    },
    send: (values, base) => update.mutateAsync({ body: changesFrom(bodyOf(base), bodyOf(values)) }),
    onDone: onClose,
  });
  return (
    <Form
      form={form}
      action="Save schedule"
      problemTitle="The schedule was not saved."
      onCancel={onClose}
      isDisabled={!form.isChanged}
    >
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
