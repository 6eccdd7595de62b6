import { Button, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { createTenant, deleteTenant, getTenantUsage, listTenants, updateTenant } from '#shared/contract/teams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { NumberField } from '../../ui/form/number-field.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Panel, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { count } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { QUOTA_NAMES, Quotas } from './quotas.tsx';
import { InviteLink } from './team-tab.tsx';

type Tenant = ResultOf<typeof listTenants>['data'][number];
type QuotaName = keyof Tenant['quotas'];

const columns: readonly Column<Tenant>[] = [
  { id: 'name', header: 'Team', width: 'minmax(160px, 2fr)', sort: (team) => team.name, cell: (team) => team.name },
  { id: 'plan', header: 'Plan', width: 'minmax(80px, 1fr)', sort: (team) => team.plan, cell: (team) => team.plan },
  {
    id: 'members',
    header: 'People',
    width: '70px',
    align: 'end',
    sort: (team) => team.members,
    cell: (team) => count(team.members),
  },
  {
    id: 'apps',
    header: 'Apps',
    width: '90px',
    align: 'end',
    sort: (team) => team.apps,
    cell: (team) =>
      team.quotas.maxApps < 0 ? count(team.apps) : `${count(team.apps)} of ${count(team.quotas.maxApps)}`,
  },
  {
    id: 'created',
    header: 'Created',
    width: '110px',
    from: 'medium',
    sort: (team) => Date.parse(team.createdAt),
    cell: (team) => <Ago at={team.createdAt} />,
  },
];

/** Every team on the daemon, with its plan and quotas. */
export function TeamsTab() {
  const teams = useRead(listTenants);
  const [search, setSearch] = useSearchState();
  const [isCreating, setCreating] = useState(false);
  const query = (search['q'] ?? '').toLowerCase();
  return (
    <QueryView query={teams} what="the teams" fill>
      {(all) => {
        const open = all.find((team) => team.id === search['team']);
        return (
          <>
            <Toolbar>
              <SearchBox label="Find by name" value={search['q'] ?? ''} onChange={(q) => setSearch({ q })} />
              <span className="grow" />
              <Button variant="filled" leftSection={<IconPlus size={15} />} onClick={() => setCreating(true)}>
                Create team
              </Button>
            </Toolbar>
            <TablePanel>
              <DataTable
                name="teams"
                label="Teams"
                columns={columns}
                rows={all.filter((team) => team.name.toLowerCase().includes(query))}
                rowKey={(team) => team.id}
                initialSort={{ column: 'name', isDescending: false }}
                openKey={open?.id ?? null}
                onOpen={(team) => setSearch({ team: team.id })}
                empty={<Empty title={`No team matches “${search['q']}”`} />}
              />
            </TablePanel>
            <SidePanel isOpen={isCreating} onClose={() => setCreating(false)} title="Create a team">
              {isCreating ? <CreateForm onClose={() => setCreating(false)} /> : null}
            </SidePanel>
            <SidePanel
              isOpen={open !== undefined}
              onClose={() => setSearch({ team: undefined })}
              title={open?.name ?? ''}
              size={520}
            >
              {open ? <TeamForm key={open.id} team={open} onClose={() => setSearch({ team: undefined })} /> : null}
            </SidePanel>
          </>
        );
      }}
    </QueryView>
  );
}

function CreateForm({ onClose }: { onClose: () => void }) {
  const create = useChange(createTenant, { refreshes: [listTenants] });
  const form = useApiForm({
    initialValues: { name: '', ownerEmail: '' },
    send: ({ name, ownerEmail }) =>
      create.mutateAsync({
        body: { name: name.trim(), ...(ownerEmail.trim() ? { ownerEmail: ownerEmail.trim() } : {}) },
      }),
    onDone: (made) => {
      markChanged('teams', made.tenant.id);
      if (made.invite === null) onClose();
    },
  });
  const invite = create.data?.invite;
  if (create.data && invite)
    return (
      <InviteLink
        email={invite.email}
        sent={invite.emailSent}
        url={invite.inviteUrl}
        notes={invite.linkNotes}
        expiresAt={invite.expiresAt}
        onClose={onClose}
      />
    );
  return (
    <Form form={form} action="Create team" onCancel={onClose} isDisabled={form.values.name.trim() === ''}>
      <TextInput
        label="Name"
        description="A team has its own apps, people and limits."
        {...form.getInputProps('name')}
        maxLength={200}
        required
        data-autofocus
      />
      <TextInput
        label="Its owner"
        description="Email address of the person who is invited to run it. Can be left for later."
        type="email"
        {...form.getInputProps('ownerEmail')}
      />
    </Form>
  );
}

function TeamForm({ team, onClose }: { team: Tenant; onClose: () => void }) {
  const isPlatform = team.id === 'platform';
  const usage = useRead(getTenantUsage, { params: { id: team.id } });
  const update = useChange(updateTenant, { refreshes: [listTenants, getTenantUsage] });
  const remove = useChange(deleteTenant, { refreshes: [listTenants] });
  const form = useApiForm({
    initialValues: { name: team.name, plan: team.plan, quotas: team.quotas },
    send: (values, base) => update.mutateAsync({ params: { id: team.id }, body: changesFrom(base, values) }),
    onDone: () => {
      markChanged('teams', team.id);
      onClose();
    },
  });
  const { quotas } = form.values;
  return (
    <>
      <Panel title="Use">{usage.data ? <Quotas usage={usage.data} /> : <p className="dim">…</p>}</Panel>
      {isPlatform ? (
        <p className="dim">This is the installation’s own team. It has no limits and cannot be changed.</p>
      ) : (
        <Form
          form={form}
          action="Save team"
          isDisabled={!form.isChanged}
          aside={
            <>
              <Button
                color="danger"
                disabled={team.apps > 0}
                title={team.apps > 0 ? 'Its apps have to be deleted first.' : undefined}
                onClick={() =>
                  ask({
                    title: `Delete team ${team.name}`,
                    body: <p>Its members keep their accounts.</p>,
                    action: 'Delete team',
                    isDangerous: true,
                    run: async () => {
                      await remove.mutateAsync({ params: { id: team.id } });
                      onClose();
                    },
                  })
                }
              >
                Delete team…
              </Button>
              <span className="grow" />
            </>
          }
        >
          <TextInput label="Name" {...form.getInputProps('name')} maxLength={200} required />
          <TextInput label="Plan" description="A label. The limits below count." {...form.getInputProps('plan')} />
          {(Object.keys(quotas) as QuotaName[]).map((quota) => (
            <NumberField
              key={quota}
              label={QUOTA_NAMES[quota]}
              description="-1 = no limit"
              min={-1}
              allowDecimal={false}
              {...form.getInputProps(`quotas.${quota}`)}
              onChange={(value) => form.setFieldValue(`quotas.${quota}`, value)}
            />
          ))}
        </Form>
      )}
    </>
  );
}
