import { Button, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import {
  checkAddress,
  createIpBan,
  createIpRule,
  deleteIpBan,
  deleteIpRule,
  getSecurity,
  listIpBans,
  listIpRules,
} from '#shared/contract/security.ts';
import { useChange, useRead } from '../../api/query.ts';
import { GoTo } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Facts, Page, Panel } from '../../ui/layout/page.tsx';
import { duration, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';

type Status = ResultOf<typeof getSecurity>['data'];
type Rule = ResultOf<typeof listIpRules>['data'][number];
type Ban = ResultOf<typeof listIpBans>['data'][number];

const LENGTHS = [
  { value: '', label: 'forever' },
  { value: '3600', label: 'for an hour' },
  { value: '86400', label: 'for a day' },
  { value: '604800', label: 'for a week' },
  { value: '2592000', label: 'for 30 days' },
];

/** From which addresses the daemon may be reached, who is banned, and what limits attempts. */
export function SecurityPage() {
  const status = useRead(getSecurity);
  return (
    <Page title="Network">
      <QueryView query={status} what="the address rules">
        {(data) => (
          <div className="stack" style={{ gap: 16 }}>
            {data.ipAccess.mode === 'enforce' ? null : (
              <Notice
                tone={data.ipAccess.mode === 'log' ? 'warn' : 'info'}
                title={
                  data.ipAccess.mode === 'log' ? 'Rules and bans are only logged' : 'Rules and bans are not enforced'
                }
              >
                <p>
                  <code>STREAMHUB_IP_ACCESS_MODE</code> is <code>{data.ipAccess.mode}</code>.{' '}
                  <GoTo to="/settings">How to change it</GoTo>
                </p>
              </Notice>
            )}
            <Overview status={data} />
            <Rules yourAddress={data.yourAddress} />
            <Bans />
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function Overview({ status }: { status: Status }) {
  const { ipAccess, autoban, signIn } = status;
  return (
    <Panel title="Active access rules">
      <Facts
        items={{
          'Address rules':
            ipAccess.mode === 'enforce' ? (
              <State tone="ok">{`enforced${ipAccess.allowlistOnly ? ', only allowed addresses' : ''}`}</State>
            ) : (
              <State tone="muted">{ipAccess.mode}</State>
            ),
          'Automatic bans': autoban.enabled ? (
            <State tone="ok">{`after ${autoban.maxOffenses} offences in ${duration(autoban.windowSeconds)}, first for ${duration(autoban.baseTtlSeconds)}`}</State>
          ) : (
            <State tone="muted">off</State>
          ),
          'Sign-in attempts': `${signIn.maxAttempts} in ${duration(signIn.windowMs / 1000)} from one address`,
          'Trusted proxies':
            status.trustedProxies.length === 0 ? (
              <span className="dim">none</span>
            ) : (
              <code>{status.trustedProxies.join(', ')}</code>
            ),
          'Your address': <code>{status.yourAddress}</code>,
        }}
      />
      <CheckForm />
    </Panel>
  );
}

function CheckForm() {
  const [asked, setAsked] = useState<string>();
  const form = useApiForm({ initialValues: { ip: '' }, send: async ({ ip }) => setAsked(ip.trim()) });
  const verdict = useRead(checkAddress, { query: { ip: asked ?? '' } }, { enabled: asked !== undefined, staleTime: 0 });
  return (
    <Form form={form} className="row" style={{ marginTop: 12 }} hasActions={false}>
      <TextInput
        aria-label="Address to check"
        placeholder="203.0.113.7"
        {...form.getInputProps('ip')}
        w={220}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <Button type="submit" disabled={form.values.ip.trim() === ''}>
        Check address
      </Button>
      <span role="status" className="grow cut">
        {verdict.error ? <State tone="danger">{verdict.error.message}</State> : null}
        {verdict.data && asked !== undefined ? (
          <State
            tone={verdict.data.verdict === 'pass' ? 'ok' : 'danger'}
          >{`${verdict.data.verdict === 'pass' ? 'passes' : verdict.data.verdict}: ${verdict.data.reason}`}</State>
        ) : null}
      </span>
    </Form>
  );
}

function Rules({ yourAddress }: { yourAddress: string }) {
  const rules = useRead(listIpRules);
  const remove = useChange(deleteIpRule, { refreshes: [listIpRules, getSecurity] });
  const columns: readonly Column<Rule>[] = [
    {
      id: 'action',
      header: 'Rule',
      width: '100px',
      sort: (rule) => rule.action,
      cell: (rule) => <State tone={rule.action === 'allow' ? 'ok' : 'danger'}>{rule.action}</State>,
    },
    {
      id: 'cidr',
      header: 'Addresses',
      isName: true,
      width: 'minmax(140px, 1fr)',
      sort: (rule) => rule.cidr,
      cell: (rule) => <code>{rule.cidr}</code>,
    },
    { id: 'note', header: 'Note', width: 'minmax(120px, 2fr)', from: 'medium', cell: (rule) => rule.note ?? '' },
    {
      id: 'expires',
      header: 'Until',
      width: '120px',
      sort: (rule) => (rule.expiresAt ? Date.parse(rule.expiresAt) : null),
      cell: (rule) => (rule.expiresAt ? <At at={rule.expiresAt} /> : <span className="dim">forever</span>),
    },
    {
      id: 'created',
      header: 'Created',
      width: '110px',
      from: 'wide',
      sort: (rule) => Date.parse(rule.createdAt),
      cell: (rule) => <Ago at={rule.createdAt} />,
    },
    {
      id: 'menu',
      header: '',
      width: '76px',
      align: 'end',
      cell: (rule) => (
        <Button
          size="xs"
          variant="subtle"
          aria-label={`Delete the rule for ${rule.cidr}`}
          onClick={() =>
            ask({
              title: `Delete the ${rule.action} rule for ${rule.cidr}`,
              body: <p>It stops applying with the next request.</p>,
              action: 'Delete rule',
              isDangerous: true,
              run: () => remove.mutateAsync({ params: { id: rule.id } }),
            })
          }
        >
          Delete
        </Button>
      ),
    },
  ];
  return (
    <Panel
      flush
      title="Rules"
      note="An allow rule takes precedence over a block rule. Loopback and private addresses always pass."
      actions={
        <Button
          size="xs"
          variant="filled"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            openDialog({
              title: 'Add an address rule',
              size: 440,
              content: (close) => <RuleForm yourAddress={yourAddress} onClose={close} />,
            })
          }
        >
          Add rule
        </Button>
      }
    >
      <QueryView query={rules} what="the rules">
        {(list) => (
          <DataTable
            name="ip-rules"
            label="Address rules"
            columns={columns}
            rows={list}
            rowKey={(rule) => rule.id}
            maxHeight={380}
            empty={<Empty title="No rule">All addresses are allowed.</Empty>}
          />
        )}
      </QueryView>
    </Panel>
  );
}

function RuleForm({ yourAddress, onClose }: { yourAddress: string; onClose: () => void }) {
  const create = useChange(createIpRule, { refreshes: [listIpRules, getSecurity] });
  const form = useApiForm({
    initialValues: { action: 'block' as 'allow' | 'block', cidr: '', note: '', length: '' },
    send: ({ action, cidr, note, length }) =>
      create.mutateAsync({
        body: {
          action,
          cidr: cidr.trim(),
          ...(note ? { note } : {}),
          ...(length ? { expiresInSeconds: Number(length) } : {}),
        },
      }),
    fields: { expiresInSeconds: 'length' },
    onDone: onClose,
  });
  return (
    <Form
      form={form}
      action="Add rule"
      problemTitle="The rule was not created."
      onCancel={onClose}
      isDisabled={form.values.cidr.trim() === ''}
    >
      <SegmentedControl
        aria-label="What the rule does"
        value={form.values.action}
        onChange={(value) => form.setFieldValue('action', value as 'allow')}
        data={[
          { value: 'block', label: 'Block' },
          { value: 'allow', label: 'Allow' },
        ]}
      />
      <TextInput
        label="Address or CIDR range"
        description={`Your address is ${yourAddress}.`}
        placeholder="203.0.113.0/24"
        {...form.getInputProps('cidr')}
        required
        data-autofocus
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <NativeSelect label="How long" data={LENGTHS} {...form.getInputProps('length')} />
      <TextInput label="Note" {...form.getInputProps('note')} maxLength={200} />
    </Form>
  );
}

function Bans() {
  const bans = useRead(listIpBans);
  const lift = useChange(deleteIpBan, { refreshes: [listIpBans, getSecurity] });
  const columns: readonly Column<Ban>[] = [
    {
      id: 'ip',
      header: 'Address',
      isName: true,
      width: 'minmax(140px, 1fr)',
      sort: (ban) => ban.ip,
      cell: (ban) => <code>{ban.ip}</code>,
    },
    {
      id: 'kind',
      header: 'How',
      width: '110px',
      sort: (ban) => ban.kind,
      cell: (ban) => <Tag>{ban.kind === 'auto' ? 'automatic' : 'by hand'}</Tag>,
    },
    { id: 'reason', header: 'Reason', width: 'minmax(120px, 2fr)', from: 'medium', cell: (ban) => ban.reason ?? '' },
    {
      id: 'offenses',
      header: 'Times',
      width: '64px',
      align: 'end',
      sort: (ban) => ban.offenses,
      cell: (ban) => ban.offenses,
    },
    {
      id: 'until',
      header: 'Until',
      width: '130px',
      sort: (ban) => Date.parse(ban.expiresAt),
      cell: (ban) => (ban.active ? <At at={ban.expiresAt} /> : <span className="dim">over</span>),
    },
    {
      id: 'menu',
      header: '',
      width: '64px',
      align: 'end',
      cell: (ban) => (
        <Button
          size="xs"
          variant="subtle"
          aria-label={`Lift the ban of ${ban.ip}`}
          onClick={() => lift.mutate({ params: { id: ban.id } })}
        >
          Lift
        </Button>
      ),
    },
  ];
  return (
    <Panel
      flush
      title="Bans"
      note={bans.data ? plural(bans.data.filter((ban) => ban.active).length, 'address', 'addresses') : undefined}
      actions={
        <Button
          size="xs"
          onClick={() =>
            openDialog({ title: 'Ban an address', size: 420, content: (close) => <BanForm onClose={close} /> })
          }
        >
          Ban an address
        </Button>
      }
    >
      {lift.error ? <Problem error={lift.error} /> : null}
      <QueryView query={bans} what="the bans">
        {(list) => (
          <DataTable
            name="ip-bans"
            label="Bans"
            columns={columns}
            rows={list}
            rowKey={(ban) => ban.id}
            isDim={(ban) => !ban.active}
            maxHeight={380}
            empty={<Empty title="No banned addresses" />}
          />
        )}
      </QueryView>
    </Panel>
  );
}

function BanForm({ onClose }: { onClose: () => void }) {
  const ban = useChange(createIpBan, { refreshes: [listIpBans, getSecurity] });
  const form = useApiForm({
    initialValues: { ip: '', seconds: '3600', reason: '' },
    send: ({ ip, seconds, reason }) =>
      ban.mutateAsync({ body: { ip: ip.trim(), seconds: Number(seconds), ...(reason ? { reason } : {}) } }),
    onDone: onClose,
  });
  return (
    <Form
      form={form}
      action="Ban address"
      problemTitle="No address was banned."
      onCancel={onClose}
      isDisabled={form.values.ip.trim() === ''}
      isDangerous
    >
      <TextInput
        label="Address"
        description="For IPv6 its whole /64 is banned."
        {...form.getInputProps('ip')}
        required
        data-autofocus
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <NativeSelect
        label="How long"
        data={LENGTHS.filter(({ value }) => value !== '' && Number(value) <= 604_800)}
        {...form.getInputProps('seconds')}
      />
      <TextInput label="Reason" {...form.getInputProps('reason')} maxLength={200} />
    </Form>
  );
}
