import { Button, PasswordInput, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import {
  changePassword,
  disableTotp,
  enableTotp,
  getAccount,
  listSessions,
  renewRecoveryCodes,
  revokeOtherSessions,
  revokeSession,
  setupTotp,
  updateAccount,
  whoAmI,
} from '#shared/contract/auth.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange, useRead } from '../../api/query.ts';
import { signOut } from '../../api/session.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { SecretOnce } from '../../ui/form/secret-once.tsx';
import { Facts, Page, Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { CodeField } from '../sign-in/sign-in-form.tsx';
import { browserWords } from './user-agent.ts';

type Account = ResultOf<typeof getAccount>['data'];

/** One's own account: profile, password, second factor, sessions. */
export function AccountPage() {
  const account = useRead(getAccount);
  return (
    <Page title="Account" wide={false}>
      <QueryView query={account} what="your account">
        {(data) => (
          <div className="stack" style={{ gap: 16 }}>
            {data.user.isBreakGlass ? (
              <Notice tone="info" title="This is the admin of ADMIN_USER and ADMIN_PASS">
                <p>Name, password and second factor are set in the environment of the daemon, not here.</p>
              </Notice>
            ) : null}
            <Profile account={data} />
            {data.user.isBreakGlass ? null : <Password account={data} />}
            {data.user.isBreakGlass ? null : <SecondFactor account={data} />}
            <Sessions />
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function Profile({ account: { user, tenant } }: { account: Account }) {
  const update = useChange(updateAccount, { refreshes: [getAccount, whoAmI] });
  const form = useApiForm({
    initialValues: { name: user.name ?? '', email: user.pendingEmail ?? user.email ?? '' },
    send: (values, base) => update.mutateAsync({ body: changesFrom(base, values) }),
  });
  return (
    <Panel title="Profile">
      <Form
        form={form}
        action="Save profile"
        isDisabled={!form.isChanged}
        hasActions={!user.isBreakGlass}
        aside={form.isDone && !form.isChanged ? <State tone="ok">Saved</State> : null}
      >
        <div className="row" style={{ alignItems: 'flex-start', gap: 12 }}>
          <TextInput
            className="grow"
            label="Name"
            {...form.getInputProps('name')}
            maxLength={120}
            disabled={user.isBreakGlass}
            autoComplete="name"
          />
          <TextInput
            className="grow"
            label="Email address"
            description={
              user.pendingEmail
                ? `Waiting for confirmation: open the link in your mail, or ask an operator. Until then ${user.email ?? 'no address'} counts.`
                : user.formerEmail
                  ? `${user.formerEmail} was never confirmed and belongs to another account now. You still sign in with it; enter an address of yours.`
                  : undefined
            }
            type="email"
            {...form.getInputProps('email')}
            disabled={user.isBreakGlass}
            autoComplete="email"
          />
        </div>
        <Facts
          items={{
            Role: user.isSuperadmin ? 'superadmin' : (tenant?.role ?? 'no team'),
            Team: tenant ? `${tenant.name} (plan ${tenant.plan})` : <span className="dim">none</span>,
            Account: <Mono what="account id">{user.id}</Mono>,
            Since: <At at={user.createdAt} />,
          }}
        />
      </Form>
    </Panel>
  );
}

function Password({ account: { user } }: { account: Account }) {
  const change = useChange(changePassword, { refreshes: [getAccount, listSessions] });
  const form = useApiForm({
    initialValues: { currentPassword: '', newPassword: '' },
    send: ({ currentPassword, newPassword }) =>
      change.mutateAsync({ body: { newPassword, ...(user.hasPassword ? { currentPassword } : {}) } }),
    followsSaved: true,
  });
  const { currentPassword, newPassword } = form.values;
  return (
    <Panel title="Password" note="A new password signs you out everywhere else.">
      <Form
        form={form}
        action="Change password"
        problemTitle="The password was not changed."
        isDisabled={newPassword.length < 8 || (user.hasPassword && currentPassword === '')}
        aside={form.isDone ? <State tone="ok">Changed</State> : null}
      >
        <input type="hidden" autoComplete="username" value={user.email ?? ''} readOnly />
        <div className="row" style={{ alignItems: 'flex-start', gap: 12 }}>
          {user.hasPassword ? (
            <PasswordInput
              className="grow"
              label="Current password"
              {...form.getInputProps('currentPassword')}
              autoComplete="current-password"
            />
          ) : null}
          <PasswordInput
            className="grow"
            label="New password, at least 8 characters"
            {...form.getInputProps('newPassword')}
            autoComplete="new-password"
          />
        </div>
      </Form>
    </Panel>
  );
}

function SecondFactor({ account: { user } }: { account: Account }) {
  return (
    <Panel
      title="Two-factor authentication"
      actions={
        user.twoFactorEnabled ? (
          <>
            <Button
              size="xs"
              onClick={() =>
                openDialog({
                  title: 'New recovery codes',
                  content: (close) => <RecoveryCodes onClose={close} />,
                })
              }
            >
              New recovery codes
            </Button>
            <Button
              size="xs"
              color="danger"
              onClick={() =>
                openDialog({
                  title: 'Turn off two-factor',
                  size: 420,
                  content: (close) => <Disable onClose={close} />,
                })
              }
            >
              Turn off
            </Button>
          </>
        ) : (
          <Button
            size="xs"
            variant="filled"
            onClick={() =>
              openDialog({
                title: 'Turn on two-factor',
                content: (close) => <Enable onClose={close} />,
              })
            }
          >
            Turn on
          </Button>
        )
      }
    >
      {user.twoFactorEnabled ? (
        <div className="row">
          <State tone="ok">On</State>
          <span className={user.recoveryCodesLeft < 3 ? undefined : 'dim'}>
            {plural(user.recoveryCodesLeft, 'recovery code')} left
          </span>
        </div>
      ) : (
        <p>
          <State tone="muted">Off</State>{' '}
          <span className="dim">Signing in then needs your password and a code from an authenticator app.</span>
        </p>
      )}
    </Panel>
  );
}

function Enable({ onClose }: { onClose: () => void }) {
  const begin = useChange(setupTotp);
  const enable = useChange(enableTotp, { refreshes: [getAccount] });
  const form = useCodeForm(enable.mutateAsync);
  if (enable.data) return <Codes codes={enable.data.recoveryCodes} onClose={onClose} />;
  if (!begin.data) {
    return (
      <div className="stack">
        <p>You need an authenticator app on your phone, such as Aegis, Google Authenticator or 1Password.</p>
        {begin.error ? <Problem error={begin.error} /> : null}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="filled" loading={begin.isPending} onClick={() => begin.mutate({})} data-autofocus>
            Show QR code
          </Button>
        </div>
      </div>
    );
  }
  return (
    <CodeForm form={form} action="Turn on" onCancel={onClose} sendsWhenComplete>
      <div className="row" style={{ gap: 20, alignItems: 'flex-start' }}>
        <img
          src={begin.data.qrDataUri}
          alt="QR code for the authenticator app"
          width={168}
          height={168}
          style={{ background: '#fff', borderRadius: 6 }}
        />
        <div className="stack">
          <p>Scan it with the app, or enter this key:</p>
          <CopyBox text={begin.data.secret} what="secret" />
          <p className="dim">Then enter the six digits that the app shows.</p>
        </div>
      </div>
    </CodeForm>
  );
}

/** The state of a form that asks for a code of the authenticator app. */
const useCodeForm = <R,>(send: (input: { body: { code: string } }) => Promise<R>, onDone?: () => void) =>
  useApiForm<{ code: string }, R>({
    initialValues: { code: '' },
    send: (body) => send({ body }),
    ...(onDone ? { onDone } : {}),
  });

function CodeForm({
  form,
  children,
  sendsWhenComplete = false,
  ...actions
}: {
  form: ReturnType<typeof useCodeForm>;
  children: ReactNode;
  action: string;
  onCancel: () => void;
  isDangerous?: boolean;
  sendsWhenComplete?: boolean;
}) {
  const { code } = form.values;
  const complete = (full: string): void => {
    form.setFieldValue('code', full);
    void form.submit();
  };
  const error = form.errors['code'] ?? (form.problem instanceof Error ? form.problem.message : undefined);
  return (
    <Form form={form} {...actions} isDisabled={code.length !== 6} hasProblem={false}>
      {children}
      <CodeField
        value={code}
        onChange={(value) => form.setFieldValue('code', value)}
        error={error as string | undefined}
        refusal={form.problem}
        isPlain
        {...(sendsWhenComplete ? { onComplete: complete } : {})}
      />
    </Form>
  );
}

function Disable({ onClose }: { onClose: () => void }) {
  const disable = useChange(disableTotp, { refreshes: [getAccount] });
  const form = useCodeForm(disable.mutateAsync, onClose);
  return (
    <CodeForm form={form} action="Turn off" onCancel={onClose} isDangerous>
      <p>You will sign in with your password alone. The recovery codes stop working.</p>
    </CodeForm>
  );
}

function RecoveryCodes({ onClose }: { onClose: () => void }) {
  const renew = useChange(renewRecoveryCodes, { refreshes: [getAccount] });
  const form = useCodeForm(renew.mutateAsync);
  if (renew.data) return <Codes codes={renew.data.recoveryCodes} onClose={onClose} />;
  return (
    <CodeForm form={form} action="Create new codes" onCancel={onClose}>
      <p>The old recovery codes stop working.</p>
    </CodeForm>
  );
}

function Codes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <div className="stack">
      <SecretOnce
        text={codes.join('\n')}
        what="recovery codes"
        file="streamhub-recovery-codes.txt"
        note="Each code signs you in once if you lose your phone. Keep them away from the phone."
      />
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="filled" onClick={onClose}>
          I have them
        </Button>
      </div>
    </div>
  );
}

function Sessions() {
  const { id: connectionId } = useDaemon();
  const sessions = useRead(listSessions);
  const revoke = useChange(revokeSession, { refreshes: [listSessions] });
  const others = useChange(revokeOtherSessions, { refreshes: [listSessions] });
  const count = (sessions.data?.length ?? 1) - 1;
  return (
    <Panel
      title="Sessions"
      note="Where you are signed in."
      actions={
        count > 0 ? (
          <Button
            size="xs"
            onClick={() =>
              ask({
                title: 'End all other sessions',
                body: <p>Ends {plural(count, 'session')} with their next request. This one stays.</p>,
                action: 'End other sessions',
                run: () => others.mutateAsync({}),
              })
            }
          >
            End all others
          </Button>
        ) : null
      }
    >
      <QueryView query={sessions} what="your sessions">
        {(list) => (
          <ul className="stack" style={{ listStyle: 'none', gap: 8 }}>
            {revoke.error ? <Problem error={revoke.error} /> : null}
            {list.map((session) => (
              <li key={session.id} className="row">
                <span className="grow cut" title={session.userAgent ?? undefined}>
                  {browserWords(session.userAgent)}{' '}
                  <span className="dim">from {session.ip ?? 'an unknown address'}</span>{' '}
                  {session.current ? <Tag tone="info">this one</Tag> : null}{' '}
                  {session.isKept ? <Tag tone="muted">kept signed in</Tag> : null}
                </span>
                <span className="dim">
                  last used <Ago at={session.lastSeen} />
                </span>
                <Button
                  size="xs"
                  variant="subtle"
                  aria-label={
                    session.current ? 'Sign out here' : `End the session from ${session.ip ?? 'an unknown address'}`
                  }
                  onClick={() =>
                    session.current ? void signOut(connectionId) : revoke.mutate({ params: { id: session.id } })
                  }
                >
                  {session.current ? 'Sign out' : 'End'}
                </Button>
              </li>
            ))}
          </ul>
        )}
      </QueryView>
    </Panel>
  );
}
