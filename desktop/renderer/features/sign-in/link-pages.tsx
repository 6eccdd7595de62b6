import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { API_BASE } from '#shared/client/client.ts';
import { acceptInvite, previewInvite, setup, verifyMagicLink } from '#shared/contract/auth.ts';
import type { BodyOf, Operation, ResultOf } from '#shared/contract/operation.ts';
import { HostError } from '../../host/bridge.ts';
import { HERE } from '../../host/bridge-web.ts';
import { clientFor } from '../../host/clients.ts';
import { bridge } from '../../host/host.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
import { At } from '../../ui/words/time.tsx';
import classes from './sign-in.module.css';
import { CodeField } from './sign-in-form.tsx';
import { Doorway } from './sign-in-page.tsx';

/** The one-time token stands after `#`, so that no server or proxy sees it. */
const linkToken = (): string => decodeURIComponent(location.hash.slice(1)).replace(/^token=/, '');

/** Makes the operation's call, whose answer is a session, and goes in. */
function useEntry(): <O extends Operation>(op: O, body: BodyOf<O>) => Promise<void> {
  const navigate = useNavigate();
  return async (op, body) => {
    const path = `${API_BASE}${op.path}` as `${typeof API_BASE}/auth/setup`;
    await bridge().signIn(HERE, { kind: 'exchange', path, body: body as Record<string, unknown> }, 'session');
    void navigate({ to: '/', replace: true });
  };
}

/** Opened by the set-up link: the first person chooses the password. */
export function SetupPage() {
  const enter = useEntry();
  const [token] = useState(linkToken);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const fields = fieldErrors(error);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await enter(setup, { token, email: email.trim(), password });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Doorway title="Set up StreamHub" note={`The first account on ${location.host}. It may do everything.`}>
      <form className={classes.form} onSubmit={(event) => void submit(event)}>
        <TextInput
          label="E-mail address"
          type="email"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={fields.of('email')}
          autoComplete="username"
          required
          autoFocus
        />
        <PasswordInput
          label="Password"
          description="At least 8 characters."
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={fields.of('password')}
          autoComplete="new-password"
          minLength={8}
          required
        />
        {fields.rest === undefined ? null : <Problem error={fields.rest} />}
        <Button type="submit" variant="filled" size="md" loading={isBusy}>
          Create the account
        </Button>
      </form>
    </Doorway>
  );
}

type Preview = ResultOf<typeof previewInvite>['data'];

/** Opened by an invitation link. */
export function InvitePage() {
  const enter = useEntry();
  const [token] = useState(linkToken);
  const [preview, setPreview] = useState<Preview>();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    clientFor(HERE)
      .call(previewInvite, { body: { token } })
      .then((answer) => setPreview(answer.data), setError);
  }, [token]);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const body = { token, password, ...(name.trim() ? { name: name.trim() } : {}), ...(code ? { code } : {}) };
      await enter(acceptInvite, body);
    } catch (failure) {
      setBusy(false);
      if (failure instanceof HostError && failure.code === 'SECOND_FACTOR_REQUIRED') setCode('');
      else setError(failure);
    }
  };
  const fields = fieldErrors(error);
  return (
    <Doorway
      title={preview ? `Join ${preview.team}` : 'Invitation'}
      note={preview ? `${preview.email}, as ${preview.role}` : location.host}
    >
      {preview ? (
        <form className={classes.form} onSubmit={(event) => void submit(event)}>
          <input type="hidden" name="username" autoComplete="username" value={preview.email} readOnly />
          {preview.hasAccount ? null : (
            <TextInput
              label="Name"
              description="Shown to your colleagues."
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="name"
            />
          )}
          <PasswordInput
            label={preview.hasAccount ? 'Password of your account' : 'Choose a password'}
            description={preview.hasAccount ? undefined : 'At least 8 characters.'}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={fields.of('password')}
            autoComplete={preview.hasAccount ? 'current-password' : 'new-password'}
            required
          />
          {code === undefined ? null : <CodeField value={code} onChange={setCode} />}
          {fields.rest === undefined ? null : <Problem error={fields.rest} />}
          <Button type="submit" variant="filled" size="md" loading={isBusy}>
            Accept the invitation
          </Button>
          <p className="dim">
            The link works until <At at={preview.expiresAt} />.
          </p>
        </form>
      ) : error ? (
        <Problem error={error} />
      ) : null}
    </Doorway>
  );
}

/** Opened by a sign-in link from a mail. */
export function MagicPage() {
  const enter = useEntry();
  const [token] = useState(linkToken);
  const [code, setCode] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const verify = async (given?: string): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await enter(verifyMagicLink, { token, ...(given ? { code: given } : {}) });
    } catch (failure) {
      setBusy(false);
      if (failure instanceof HostError && failure.code === 'SECOND_FACTOR_REQUIRED') setCode('');
      else setError(failure);
    }
  };
  return (
    <Doorway title="Sign in to StreamHub" note={location.host}>
      {/* a person presses the button: mail scanners open links too */}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void verify(code);
        }}
      >
        {code === undefined ? <p>The link signs you in once.</p> : <CodeField value={code} onChange={setCode} />}
        {error === undefined ? null : <Problem error={error} />}
        <Button type="submit" variant="filled" size="md" loading={isBusy} autoFocus>
          Sign in
        </Button>
      </form>
    </Doorway>
  );
}
