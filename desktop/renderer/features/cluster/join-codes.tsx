import { Button, NativeSelect, TextInput } from '@mantine/core';
import { createJoinCode, listJoinCodes, revokeJoinCode } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { JOIN_CODE_SECONDS } from '#shared/limits.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';

export type CreatedCode = ResultOf<typeof createJoinCode>['data'];

const LIFETIMES = [
  { value: '600', label: '10 minutes' },
  { value: String(JOIN_CODE_SECONDS), label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
];

/** Creates the code that the join command contains. */
export function JoinCodeForm({ onCreated }: { onCreated: (created: CreatedCode) => void }) {
  const create = useChange(createJoinCode, { refreshes: [listJoinCodes] });
  const form = useApiForm({
    initialValues: { name: '', ttlSeconds: String(JOIN_CODE_SECONDS), uses: '1' },
    send: ({ name, ttlSeconds, uses }) =>
      create.mutateAsync({
        body: { ...(name === '' ? {} : { name }), ttlSeconds: Number(ttlSeconds), uses: Number(uses) },
      }),
    onDone: onCreated,
  });
  return (
    <Form form={form} action="Create join command" problemTitle="No join command was created.">
      <TextInput
        label="Node name"
        description="Leave empty to use the machine’s host name."
        maxLength={64}
        {...form.getInputProps('name')}
      />
      <div className="row">
        <NativeSelect className="grow" label="Valid for" data={LIFETIMES} {...form.getInputProps('ttlSeconds')} />
        <NativeSelect
          className="grow"
          label="Machines"
          data={['1', '5', '20', '100'].map((value) => ({ value, label: plural(Number(value), 'machine') }))}
          {...form.getInputProps('uses')}
        />
      </div>
    </Form>
  );
}

/** Codes that can still be used. */
export function JoinCodeList() {
  const codes = useRead(listJoinCodes).data ?? [];
  const revoke = useChange(revokeJoinCode, { refreshes: [listJoinCodes] });
  const guard = useGuard(revokeJoinCode);
  if (codes.length === 0) return null;
  return (
    <Panel title="Valid join codes">
      {codes.map((code) => (
        <div className="row" key={code.id} style={{ justifyContent: 'space-between' }}>
          <span>
            {code.name ?? 'Any name'}, {plural(code.usesLeft, 'machine')} left, until <At at={code.expires_at} />
            <span className="dim"> · {code.created_by}</span>
          </span>
          <Button
            size="compact-sm"
            {...guard}
            aria-label={`Revoke the join code for ${code.name ?? 'any name'}`}
            onClick={() =>
              ask({
                title: 'Revoke join code',
                body: <p>Its join command stops working. Machines that have joined stay nodes.</p>,
                action: 'Revoke join code',
                isDangerous: true,
                run: async () => {
                  await revoke.mutateAsync({ params: { id: code.id } });
                },
              })
            }
          >
            Revoke…
          </Button>
        </div>
      ))}
    </Panel>
  );
}
