import { Button, NativeSelect, Radio, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ResultOf } from '#shared/contract/operation.ts';
import {
  createInvite,
  getTeam,
  getTenantUsage,
  listInvites,
  removeMember,
  revokeInvite,
  updateMember,
  updateTeam,
} from '#shared/contract/teams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { lackFor, useMe } from '../../api/rights.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import classes from './access.module.css';
import { HandOver } from './hand-over.tsx';
import { Quotas } from './quotas.tsx';

const ROLES = [
  {
    value: 'viewer',
    label: 'viewer',
    text: 'sees the team’s apps, streams, recordings and settings, and changes nothing',
  },
  { value: 'editor', label: 'editor', text: 'creates and runs apps, but can’t delete apps or manage people' },
  {
    value: 'owner',
    label: 'owner',
    text: 'everything in the team: people, apps and their deletion, and the audit log',
  },
] as const;
type Role = (typeof ROLES)[number]['value'];
type Member = ResultOf<typeof getTeam>['data']['members'][number];

/** The members of your team, open invitations, and the team's quotas. */
export function TeamTab() {
  const me = useMe();
  const team = useRead(getTeam);
  const isOwner = me !== undefined && lackFor(updateTeam, me) === undefined;
  return (
    <QueryView query={team} what="your team">
      {({ team: { id, name }, members }) => (
        <div className="stack">
          <Panel
            flush
            title={name}
            note={plural(members.length, 'person', 'people')}
            actions={
              isOwner ? (
                <>
                  <Button
                    size="xs"
                    onClick={() =>
                      openDialog({
                        title: 'Rename your team',
                        size: 420,
                        content: (close) => <RenameForm name={name} onClose={close} />,
                      })
                    }
                  >
                    Rename team
                  </Button>
                  <Button
                    size="xs"
                    variant="filled"
                    leftSection={<IconPlus size={14} />}
                    onClick={() =>
                      openDialog({
                        title: `Invite to ${name}`,
                        size: 460,
                        content: (close) => <InviteForm onClose={close} />,
                      })
                    }
                  >
                    Invite someone
                  </Button>
                </>
              ) : null
            }
          >
            <Members members={members} isOwner={isOwner} ownId={me?.userId} />
          </Panel>
          {isOwner ? <Invites /> : null}
          <TeamUsage id={id} />
        </div>
      )}
    </QueryView>
  );
}

function Members({
  members,
  isOwner,
  ownId,
}: {
  members: readonly Member[];
  isOwner: boolean;
  ownId: string | undefined;
}) {
  const update = useChange(updateMember, { refreshes: [getTeam] });
  const remove = useChange(removeMember, { refreshes: [getTeam, listInvites] });
  const columns: readonly Column<Member>[] = [
    {
      id: 'name',
      header: 'Person',
      width: 'minmax(180px, 2fr)',
      sort: (member) => member.name ?? member.email ?? member.userId,
      cell: (member) => (
        <span className="row">
          <span className="cut">
            {member.name ? `${member.name} ` : ''}
            <span className={member.name ? 'dim' : undefined}>{member.email ?? member.userId}</span>
          </span>
          {member.userId === ownId ? <Tag tone="info">you</Tag> : null}
          {member.isSuperadmin ? <Tag tone="warn">superadmin</Tag> : null}
        </span>
      ),
    },
    {
      id: 'role',
      header: 'Role',
      width: '140px',
      sort: (member) => member.role,
      cell: (member) =>
        isOwner && member.userId !== ownId ? (
          <NativeSelect
            size="xs"
            aria-label={`Role of ${member.email ?? member.userId}`}
            data={ROLES.map(({ value, label }) => ({ value, label }))}
            value={member.role}
            onChange={(event) =>
              update.mutate({ params: { userId: member.userId }, body: { role: event.currentTarget.value as Role } })
            }
          />
        ) : (
          member.role
        ),
    },
    {
      id: 'status',
      header: 'State',
      width: '120px',
      cell: (member) =>
        member.status === 'active' ? <State tone="ok">member</State> : <State tone="muted">invited</State>,
    },
    {
      id: 'since',
      header: 'Since',
      width: '110px',
      from: 'medium',
      sort: (member) => Date.parse(member.createdAt),
      cell: (member) => <Ago at={member.createdAt} />,
    },
    {
      id: 'menu',
      header: '',
      width: '84px',
      align: 'end',
      cell: (member) =>
        isOwner && member.userId !== ownId ? (
          <Button
            size="xs"
            variant="subtle"
            aria-label={`Remove ${member.email ?? member.userId}`}
            onClick={() =>
              ask({
                title: `Remove ${member.email ?? member.userId}`,
                body: <p>They lose access to the team’s apps with their next request. Their account stays.</p>,
                action: 'Remove from team',
                isDangerous: true,
                run: () => remove.mutateAsync({ params: { userId: member.userId } }),
              })
            }
          >
            Remove
          </Button>
        ) : null,
    },
  ];
  return (
    <>
      {update.error ? (
        <div style={{ padding: 12 }}>
          <Problem error={update.error} title="The role was not changed." />
        </div>
      ) : null}
      <DataTable
        name="members"
        label="Members"
        columns={columns}
        rows={members}
        rowKey={(member) => member.userId}
        maxHeight={420}
      />
      {isOwner ? (
        <dl className={classes.roles}>
          {ROLES.map(({ value, label, text }) => (
            <div key={value}>
              <dt>{label}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      ) : null}
    </>
  );
}

function Invites() {
  const invites = useRead(listInvites);
  const revoke = useChange(revokeInvite, { refreshes: [listInvites, getTeam] });
  if (!invites.data || invites.data.length === 0) return null;
  return (
    <Panel title="Open invitations">
      <ul className="stack" style={{ listStyle: 'none', gap: 6 }}>
        {invites.data.map((invite) => (
          <li key={invite.userId} className="row">
            <span className="grow cut">
              {invite.email}{' '}
              <span className="dim">
                as {invite.role}, {invite.emailSent ? 'by mail' : 'by link'},{' '}
              </span>
              <span className="dim">
                <Ago at={invite.invitedAt} />
              </span>
            </span>
            <Button
              size="xs"
              variant="subtle"
              onClick={() => revoke.mutate({ params: { userId: invite.userId } })}
              aria-label={`Revoke the invitation of ${invite.email}`}
            >
              Revoke
            </Button>
          </li>
        ))}
      </ul>
      {revoke.error ? <Problem error={revoke.error} /> : null}
    </Panel>
  );
}

function TeamUsage({ id }: { id: string }) {
  const usage = useRead(getTenantUsage, { params: { id } });
  if (!usage.data) return null;
  return (
    <Panel title="Usage and limits" note={usage.data.plan}>
      <Quotas usage={usage.data} />
    </Panel>
  );
}

function InviteForm({ onClose }: { onClose: () => void }) {
  const invite = useChange(createInvite, { refreshes: [listInvites, getTeam] });
  const form = useApiForm({
    initialValues: { email: '', role: 'editor' as Role },
    send: ({ email, role }) => invite.mutateAsync({ body: { email: email.trim(), role } }),
  });
  if (invite.data)
    return (
      <InviteLink
        email={invite.data.email}
        sent={invite.data.emailSent}
        url={invite.data.inviteUrl}
        notes={invite.data.linkNotes}
        expiresAt={invite.data.expiresAt}
        onClose={onClose}
      />
    );
  const { email } = form.values;
  return (
    <Form form={form} action="Invite" onCancel={onClose} isDisabled={!email.includes('@')}>
      <TextInput label="Email address" type="email" {...form.getInputProps('email')} required data-autofocus />
      <Radio.Group label="Role" {...form.getInputProps('role')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          {ROLES.map(({ value, label, text }) => (
            <Radio key={value} value={value} label={label} description={text} />
          ))}
        </div>
      </Radio.Group>
    </Form>
  );
}

/** What became of an invitation: mailed, or a link to pass on. */
export function InviteLink({
  email,
  sent,
  url,
  notes,
  expiresAt,
  onClose,
}: {
  email: string;
  sent: boolean;
  url: string | undefined;
  notes: readonly string[] | undefined;
  expiresAt: string | null;
  onClose: () => void;
}) {
  return (
    <div className="stack">
      {sent ? (
        <Notice tone="ok" title={`Invitation sent to ${email}`} />
      ) : (
        <>
          <Notice tone="info" title="Send this link yourself">
            <p>No email was sent. The link is shown only once and works for one person.</p>
          </Notice>
          <HandOver url={url ?? ''} notes={notes} what="invitation link" />
        </>
      )}
      {expiresAt ? (
        <p className="dim">
          The invitation ends <At at={expiresAt} />.
        </p>
      ) : null}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="filled" onClick={onClose}>
          Close
        </Button>
      </div>
    </div>
  );
}

function RenameForm({ name, onClose }: { name: string; onClose: () => void }) {
  const update = useChange(updateTeam, { refreshes: [getTeam] });
  const form = useApiForm({
    initialValues: { name },
    send: (values) => update.mutateAsync({ body: { name: values.name.trim() } }),
    onDone: onClose,
  });
  const next = form.values.name.trim();
  return (
    <Form form={form} action="Rename team" onCancel={onClose} isDisabled={next === '' || next === name}>
      <TextInput label="Name" {...form.getInputProps('name')} maxLength={200} required data-autofocus />
    </Form>
  );
}
