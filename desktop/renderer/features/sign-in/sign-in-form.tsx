import { Button, PasswordInput, PinInput, SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import { getAuthConfig, sendMagicLink } from '#shared/contract/auth.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { readOptions } from '../../api/query.ts';
import { HostError, type SignIn } from '../../host/bridge.ts';
import { clientFor } from '../../host/clients.ts';
import { bridge } from '../../host/host.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { KeepSignedIn } from './keep-signed-in.tsx';
import { KeepChoice } from './keychain-notice.tsx';
import classes from './sign-in.module.css';
import { useKeychain } from './use-keychain.ts';

/** Is the code missing, or is it a wrong one? */
export const asksForCode = (error: unknown): boolean =>
  error instanceof HostError && error.code.startsWith('SECOND_FACTOR_');

/** Password (with the second factor when it is asked for) or API token; replaces the credential in place. */
export function SignInForm({ connection, onDone }: { connection: Connection; onDone?: () => void }) {
  const config = useQuery({ ...readOptions(connection.id, getAuthConfig), staleTime: 60_000 });
  const needsSetup = config.data?.data.setupRequired === true;
  const [chosen, setChosen] = useState<'password' | 'token'>();
  const kind = chosen ?? (needsSetup || connection.credential.kind === 'token' ? 'token' : 'password');
  const [wantsCode, setWantsCode] = useState(false);
  const isWeb = bridge().host === 'web';
  const [keep, setKeep] = useState(!isWeb);
  const keychain = useKeychain();
  const signIn = async (credential: SignIn): Promise<void> =>
    await bridge().signIn(connection.id, credential, keep && (isWeb || keychain?.state === 'ready'));

  const form = useApiForm({
    initialValues: { user: connection.credential.user ?? '', secret: '' },
    send: async ({ user, secret }) => {
      try {
        if (kind === 'token') await signIn({ kind: 'token', token: secret.trim() });
        else await signIn({ kind: 'password', user: user.trim(), password: secret });
      } catch (error) {
        if (!asksForCode(error)) throw error;
        setWantsCode(true);
        return false;
      }
      return true;
    },
    onDone: (isSignedIn) => {
      if (!isSignedIn) return;
      form.setFieldValue('secret', '');
      onDone?.();
    },
  });
  const { user } = form.values;

  if (wantsCode && kind === 'password')
    return <CodeForm signIn={signIn} onBack={() => setWantsCode(false)} {...(onDone ? { onDone } : {})} />;
  return (
    <Form
      form={form}
      action="Sign in"
      isWide
      className={classes.form}
      after={
        kind === 'password' && config.data?.data.magicLink ? (
          <MagicLink connectionId={connection.id} email={user} />
        ) : null
      }
    >
      <SegmentedControl
        fullWidth
        value={kind}
        onChange={(value) => {
          setChosen(value as 'password' | 'token');
          form.setFieldValue('secret', '');
          form.setProblem(undefined);
        }}
        data={[
          { value: 'password', label: 'Password' },
          { value: 'token', label: 'API token' },
        ]}
      />
      {kind === 'password' && needsSetup ? (
        <Notice tone="info" title="No accounts yet">
          <p>Open the setup link that the daemon prints when it starts, or sign in with an API token.</p>
        </Notice>
      ) : null}
      {kind === 'password' ? (
        <>
          <TextInput
            label="Email address or admin name"
            {...form.getInputProps('user')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            data-autofocus={connection.credential.user ? undefined : true}
          />
          <PasswordInput
            label="Password"
            {...form.getInputProps('secret')}
            autoComplete="current-password"
            required
            data-autofocus={connection.credential.user ? true : undefined}
          />
        </>
      ) : (
        <PasswordInput
          label="API token"
          description="Begins with sk_. Printed in the terminal at first start."
          {...form.getInputProps('secret')}
          autoComplete="off"
          spellCheck={false}
          required
          data-autofocus
        />
      )}
      {isWeb ? (
        <KeepSignedIn connectionId={connection.id} keep={keep} onKeep={setKeep} />
      ) : (
        <KeepChoice keychain={keychain} keep={keep} onKeep={setKeep} />
      )}
    </Form>
  );
}

/** The second factor, after the password was right. */
function CodeForm({
  signIn,
  onBack,
  onDone,
}: {
  signIn: (credential: SignIn) => Promise<void>;
  onBack: () => void;
  onDone?: () => void;
}) {
  const form = useApiForm({
    initialValues: { code: '' },
    send: ({ code }) => signIn({ kind: 'code', code }),
    ...(onDone ? { onDone } : {}),
  });
  const { code } = form.values;
  const complete = (full: string): void => {
    form.setFieldValue('code', full);
    void form.submit();
  };
  return (
    <Form form={form} className={classes.form} hasActions={false}>
      <p>
        This account uses two-factor authentication. Enter the six digits from your authenticator app, or a recovery
        code.
      </p>
      <CodeField
        value={code}
        onChange={(value) => form.setFieldValue('code', value)}
        onComplete={complete}
        refusal={form.problem}
      />
      <div className={classes.buttons}>
        <Button onClick={onBack}>Back</Button>
        <Button type="submit" variant="filled" loading={form.isPending} disabled={code.length < 6}>
          Sign in
        </Button>
      </div>
    </Form>
  );
}

/** Six digits one by one, or a longer recovery code in a plain field. After a refusal the digits make room for the next code. */
export function CodeField({
  value,
  onChange,
  onComplete,
  error,
  refusal,
  isPlain = false,
}: {
  value: string;
  onChange: (value: string) => void;
  onComplete?: (value: string) => void;
  error?: string | undefined;
  /** Why the last code wasn't taken. */
  refusal?: unknown;
  /** Recovery codes are not taken here. */
  isPlain?: boolean;
}) {
  const [isRecovery, setRecovery] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const makeRoom = useEffectEvent(() => {
    if (isRecovery) return;
    onChange('');
    setRefusals(refusals + 1);
  });
  useEffect(() => {
    if (refusal !== undefined) makeRoom();
  }, [refusal]);
  return (
    <div className={classes.code}>
      {isRecovery ? (
        <TextInput
          label="Recovery code"
          value={value}
          error={error}
          onChange={(event) => onChange(event.currentTarget.value.replace(/[\s-]/g, ''))}
          autoComplete="off"
          data-autofocus
        />
      ) : (
        <fieldset className={classes.digits}>
          <legend>Code</legend>
          <PinInput
            // a new one begins at its first digit, and calls when it is complete again
            key={refusals}
            length={6}
            type="number"
            oneTimeCode
            autoFocus
            value={value}
            onChange={onChange}
            error={error !== undefined}
            {...(onComplete ? { onComplete } : {})}
            getInputProps={(index) => ({ 'aria-label': `Digit ${index + 1}` })}
            size="md"
          />
          {error ? (
            <div className={classes.error} role="alert">
              {error}
            </div>
          ) : null}
        </fieldset>
      )}
      {isPlain ? null : (
        <button
          type="button"
          className={classes.quiet}
          onClick={() => {
            setRecovery(!isRecovery);
            onChange('');
          }}
        >
          {isRecovery ? 'Use the authenticator app' : 'Use a recovery code'}
        </button>
      )}
    </div>
  );
}

function MagicLink({ connectionId, email }: { connectionId: string; email: string }) {
  const [said, setSaid] = useState<string>();
  const [error, setError] = useState<unknown>();
  const send = async (): Promise<void> => {
    try {
      const answer = await clientFor(connectionId).call(sendMagicLink, { body: { email } });
      setSaid(answer.data.message);
    } catch (failure) {
      setError(failure);
    }
  };
  if (said) return <p role="status">{said}</p>;
  return (
    <>
      {error === undefined ? null : <Problem error={error} />}
      <button type="button" className={classes.quiet} disabled={!email.includes('@')} onClick={() => void send()}>
        Email me a sign-in link instead
      </button>
    </>
  );
}
