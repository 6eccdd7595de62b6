import { Checkbox, PasswordInput, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { API_BASE } from '#shared/client/base.ts';
import { acceptInvite, confirmEmail, previewInvite, setup, undoEmail, verifyMagicLink } from '#shared/contract/auth.ts';
import type { BodyOf, Operation, ResultOf } from '#shared/contract/operation.ts';
import { SHORTEST_LINK_TOKEN } from '#shared/limits.ts';
import { HostError } from '../../host/bridge.ts';
import { HERE } from '../../host/bridge-web.ts';
import { clientFor } from '../../host/clients.ts';
import { bridge } from '../../host/host.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { type ApiForm, Form, useApiForm } from '../../ui/form/form.tsx';
import { At } from '../../ui/words/time.tsx';
import { KeepSignedIn } from './keep-signed-in.tsx';
import classes from './sign-in.module.css';
import { asksForCode, CodeField } from './sign-in-form.tsx';
import { SignInLayout } from './sign-in-page.tsx';

/** The one-time token is after `#`, so that no server or proxy sees it. */
const linkToken = (): string => decodeURIComponent(location.hash.slice(1)).replace(/^token=/, '');

const isWhole = (token: string): boolean => token.length >= SHORTEST_LINK_TOKEN;

/** What a link opens; a link without its end opens nothing. */
function LinkLayout({
  token,
  children,
  ...layout
}: {
  token: string;
  title: string;
  note: string;
  children: ReactNode;
}) {
  return (
    <SignInLayout {...layout}>
      {isWhole(token) ? (
        children
      ) : (
        <Notice tone="warn" title="This link is incomplete">
          <p>Open the whole link from the message that you got.</p>
        </Notice>
      )}
    </SignInLayout>
  );
}

/** Makes the operation's call, whose answer is a session, and signs in; `choice` asks how long for. */
function useEntry(): { enter: <O extends Operation>(op: O, body: BodyOf<O>) => Promise<void>; choice: ReactNode } {
  const navigate = useNavigate();
  const [keep, setKeep] = useState(false);
  const enter = async <O extends Operation>(op: O, body: BodyOf<O>): Promise<void> => {
    const path = `${API_BASE}${op.path}` as `${typeof API_BASE}/auth/setup`;
    await bridge().signIn(HERE, { kind: 'exchange', path, body: body as Record<string, unknown> }, keep);
    void navigate({ to: '/', replace: true });
  };
  return { enter, choice: <KeepSignedIn connectionId={HERE} keep={keep} onKeep={setKeep} /> };
}

/** What a link needs besides its token is asked for in the same form. */
function useQuestions() {
  const [wantsCode, setWantsCode] = useState(false);
  const [wantsAccount, setWantsAccount] = useState(false);
  const unlessAsked = async (entry: Promise<void>): Promise<void> => {
    try {
      await entry;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (error.code === 'SECOND_FACTOR_REQUIRED') setWantsCode(true);
      else if (error.code === 'ACCOUNT_CHOICE_REQUIRED') setWantsAccount(true);
      else throw error;
    }
  };
  return { wantsCode, wantsAccount, unlessAsked };
}

/** What was refused can also be the password. */
const refusalIn = ({ problem }: { problem: unknown }) => (asksForCode(problem) ? { refusal: problem } : {});

/** Opened by the setup link: the first person chooses the password. */
export function SetupPage() {
  const { enter, choice } = useEntry();
  const [token] = useState(linkToken);
  const form = useApiForm({
    initialValues: { email: '', password: '' },
    send: ({ email, password }) => enter(setup, { token, email: email.trim(), password }),
  });
  return (
    <LinkLayout
      token={token}
      title="Set up StreamHub"
      note={`The first account on ${location.host}. This account is the administrator.`}
    >
      <Form form={form} action="Create account" isWide className={classes.form}>
        <TextInput
          label="Email address"
          type="email"
          {...form.getInputProps('email')}
          autoComplete="username"
          required
          autoFocus
        />
        <PasswordInput
          label="Password"
          description="At least 8 characters."
          {...form.getInputProps('password')}
          autoComplete="new-password"
          minLength={8}
          required
        />
        {choice}
      </Form>
    </LinkLayout>
  );
}

/** The password of the account with the address, or of a new one. */
function AccountFields({
  form,
  hasAccount,
  canReplace,
  children,
}: {
  form: Pick<ApiForm<{ password: string; newAccount: boolean }>, 'getInputProps'>;
  hasAccount: boolean;
  canReplace: boolean;
  children?: ReactNode;
}) {
  return (
    <>
      {canReplace ? (
        <Checkbox
          {...form.getInputProps('newAccount', { type: 'checkbox' })}
          label="The account with this address isn't mine"
          description="Its owner never confirmed the address. You get a new account with it."
        />
      ) : null}
      {children}
      <PasswordInput
        label={hasAccount ? 'Password of your account' : 'Choose a password'}
        description={hasAccount ? undefined : 'At least 8 characters.'}
        {...form.getInputProps('password')}
        autoComplete={hasAccount ? 'current-password' : 'new-password'}
        required
      />
    </>
  );
}

type Preview = ResultOf<typeof previewInvite>['data'];

/** Opened by an invitation link. */
export function InvitePage() {
  const { enter, choice } = useEntry();
  const [token] = useState(linkToken);
  const [preview, setPreview] = useState<Preview>();
  const { wantsCode, unlessAsked } = useQuestions();
  const [error, setError] = useState<unknown>();
  const form = useApiForm({
    initialValues: { name: '', password: '', code: '', newAccount: false },
    send: ({ name, password, code, newAccount }) => {
      const more = { ...(name.trim() ? { name: name.trim() } : {}), ...(code ? { code } : {}) };
      const body = { token, password, ...more, ...(newAccount ? { newAccount } : {}) };
      return unlessAsked(enter(acceptInvite, body));
    },
  });
  const hasAccount = preview?.hasAccount === true && !form.values.newAccount;
  useEffect(() => {
    if (!isWhole(token)) return;
    clientFor(HERE)
      .call(previewInvite, { body: { token } })
      .then((answer) => setPreview(answer.data), setError);
  }, [token]);
  return (
    <LinkLayout
      token={token}
      title={preview ? `Join ${preview.team}` : 'Invitation'}
      note={preview ? `${preview.email}, as ${preview.role}` : location.host}
    >
      {preview ? (
        <Form
          form={form}
          action="Accept the invitation"
          isWide
          className={classes.form}
          after={
            <p className="dim">
              The link works until <At at={preview.expiresAt} />.
            </p>
          }
        >
          <input type="hidden" name="username" autoComplete="username" value={preview.email} readOnly />
          <AccountFields form={form} hasAccount={hasAccount} canReplace={preview.canReplace}>
            {hasAccount ? null : (
              <TextInput
                label="Name"
                description="Shown to your colleagues."
                {...form.getInputProps('name')}
                autoComplete="name"
              />
            )}
          </AccountFields>
          {wantsCode && !form.values.newAccount ? (
            <CodeField {...form.getInputProps('code')} value={form.values.code} {...refusalIn(form)} />
          ) : null}
          {choice}
        </Form>
      ) : error ? (
        <Problem error={error} />
      ) : null}
    </LinkLayout>
  );
}

/** Opened by a sign-in link from a mail. */
export function MagicPage() {
  const { enter, choice } = useEntry();
  const [token] = useState(linkToken);
  const { wantsCode, wantsAccount, unlessAsked } = useQuestions();
  const form = useApiForm({
    initialValues: { password: '', code: '', newAccount: false },
    send: ({ password, code, newAccount }) => {
      const chosen = wantsAccount ? { password, ...(newAccount ? { newAccount } : {}) } : {};
      return unlessAsked(enter(verifyMagicLink, { token, ...chosen, ...(code ? { code } : {}) }));
    },
  });
  return (
    <LinkLayout token={token} title="Sign in to StreamHub" note={location.host}>
      {/* a person presses the button: mail scanners open links too */}
      <Form form={form} action="Sign in" isWide autoFocus className={classes.form}>
        {wantsAccount ? <AccountFields form={form} hasAccount={!form.values.newAccount} canReplace /> : null}
        {wantsCode && !form.values.newAccount ? (
          <CodeField {...form.getInputProps('code')} value={form.values.code} {...refusalIn(form)} />
        ) : null}
        {wantsAccount || wantsCode ? null : <p>The link signs you in once.</p>}
        {choice}
      </Form>
    </LinkLayout>
  );
}

/** Opened by the link that proves a new email address; works in a session of that account. */
export function EmailPage() {
  const navigate = useNavigate();
  const [token] = useState(linkToken);
  const form = useApiForm({
    initialValues: {},
    send: () => clientFor(HERE).call(confirmEmail, { body: { token } }),
    onDone: () => void navigate({ to: '/', replace: true }),
  });
  return (
    <LinkLayout token={token} title="Confirm your email address" note={location.host}>
      <Form form={form} action="Confirm address" isWide autoFocus className={classes.form}>
        <p>Sign in to the account whose address you changed, then confirm here.</p>
      </Form>
    </LinkLayout>
  );
}

/** Opened by the link that the previous address of an account got when it was changed. */
export function EmailUndoPage() {
  const [token] = useState(linkToken);
  const [email, setEmail] = useState<string>();
  const form = useApiForm({
    initialValues: {},
    send: async () => setEmail((await clientFor(HERE).call(undoEmail, { body: { token } })).data.email),
  });
  return (
    <LinkLayout token={token} title="Put back your email address" note={location.host}>
      {email === undefined ? (
        <Form form={form} action="Put back address" isWide autoFocus className={classes.form}>
          <p>
            Your account gets its previous address again. All sessions and the password end. So do a second factor and
            API tokens that were set up in the session that changed the address, or later.
          </p>
        </Form>
      ) : (
        <p role="status">
          Your account uses {email} again. <a href="/">Sign in</a> with a link to that address, then choose a password.
        </p>
      )}
    </LinkLayout>
  );
}
