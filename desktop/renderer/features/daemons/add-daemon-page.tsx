import { Button, Checkbox, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Credential, TestReport, TestStep } from '#shared/ipc/connections.ts';
import { HostError } from '../../host/bridge.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { useKept } from '../../ui/form/kept.ts';
import { Page, Panel } from '../../ui/layout/page.tsx';
import { KeepChoice } from '../sign-in/keychain-notice.tsx';
import { CodeField } from '../sign-in/sign-in-form.tsx';
import { useKeychain } from '../sign-in/use-keychain.ts';
import { CertificateFacts } from './certificate.tsx';
import { ConnectionSteps } from './connection-steps.tsx';
import classes from './daemons.module.css';
import { LocalDaemonCard } from './local-daemon-card.tsx';

interface Form {
  url: string;
  name: string;
  kind: 'token' | 'password';
  token: string;
  user: string;
  password: string;
  code: string | undefined;
}
const EMPTY: Form = { url: '', name: '', kind: 'token', token: '', user: '', password: '', code: undefined };

/** Adds a daemon: its address, a token or password, a test of the way to it, its certificate where that is its own. */
export function AddDaemonPage() {
  const native = bridge().desktop?.connections;
  const navigate = useNavigate();
  const { url: given } = useSearch({ strict: false }) as { url?: string };
  const [form, setForm, clear] = useKept<Form>('add-daemon', { ...EMPTY, url: given ?? '' });
  const [steps, setSteps] = useState<readonly TestStep[]>([]);
  const [report, setReport] = useState<TestReport>();
  const [busy, setBusy] = useState<'test' | 'add'>();
  const [error, setError] = useState<unknown>();
  const [isTrusted, setTrusted] = useState(false);
  const [keep, setKeep] = useState(true);
  const keychain = useKeychain();
  const testId = useRef('');

  useEffect(
    () =>
      native?.onTestStep((push) => {
        if (push.testId === testId.current)
          setSteps((before) => [...before.filter((step) => step.id !== push.step.id), push.step]);
      }),
    [native],
  );
  const set = (change: Partial<Form>): void => {
    setForm({ ...form, ...change });
    if (change.url !== undefined) {
      setReport(undefined);
      setSteps([]);
      setTrusted(false);
    }
    setError(undefined);
  };
  const credential: Credential =
    form.kind === 'token'
      ? { kind: 'token', token: form.token.trim() }
      : {
          kind: 'password',
          user: form.user.trim(),
          password: form.password,
          ...(form.code ? { code: form.code } : {}),
        };
  const hasCredential =
    form.kind === 'token' ? form.token.trim() !== '' : form.user.trim() !== '' && form.password !== '';
  const fingerprint = isTrusted ? report?.certificate?.fingerprint : undefined;

  const test = async (): Promise<void> => {
    if (native === undefined) return;
    testId.current = crypto.randomUUID();
    setBusy('test');
    setSteps([]);
    setError(undefined);
    try {
      const done = opened(
        await native.test({
          testId: testId.current,
          target: {
            url: form.url.trim(),
            ...(hasCredential ? { credential } : {}),
            ...(fingerprint ? { fingerprint } : {}),
          },
        }),
      );
      setReport(done);
      setSteps(done.steps);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(undefined);
    }
  };
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (native === undefined) return;
    setBusy('add');
    setError(undefined);
    try {
      const connection = opened(
        await native.add({
          url: form.url.trim(),
          credential,
          keep: keychain?.state === 'ready' && keep ? 'keychain' : 'session',
          ...(form.name.trim() ? { name: form.name.trim() } : {}),
          ...(fingerprint ? { fingerprint } : {}),
        }),
      );
      clear();
      void navigate({ to: `/d/${connection.id}` as '/' });
    } catch (failure) {
      if (failure instanceof HostError && failure.code === 'SECOND_FACTOR_REQUIRED' && form.code === undefined)
        set({ code: '' });
      else setError(failure);
      setBusy(undefined);
    }
  };

  return (
    <Page title="Add a daemon">
      <div className={classes.add}>
        <Panel title="Where it is">
          <form className="stack" onSubmit={(event) => void add(event)}>
            <TextInput
              label="Address"
              description="As in your browser: a host, with its port if it is not the usual one."
              placeholder="studio.example.com"
              value={form.url}
              onChange={(event) => set({ url: event.currentTarget.value })}
              required
              data-autofocus
              autoFocus
              spellCheck={false}
              autoCapitalize="none"
            />
            <TextInput
              label="Name"
              description="For yourself. The address unless given."
              value={form.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              maxLength={320}
            />
            <SegmentedControl
              aria-label="How to sign in"
              value={form.kind}
              onChange={(value) => set({ kind: value as 'token' | 'password' })}
              data={[
                { value: 'token', label: 'API token' },
                { value: 'password', label: 'Password' },
              ]}
            />
            {form.kind === 'token' ? (
              <PasswordInput
                label="Token"
                description="Begins with sk_. The daemon shows the first one when it starts."
                value={form.token}
                onChange={(event) => set({ token: event.currentTarget.value })}
                autoComplete="off"
              />
            ) : (
              <>
                <TextInput
                  label="E-mail address or admin name"
                  value={form.user}
                  onChange={(event) => set({ user: event.currentTarget.value })}
                  autoComplete="username"
                  spellCheck={false}
                />
                <PasswordInput
                  label="Password of the account"
                  value={form.password}
                  onChange={(event) => set({ password: event.currentTarget.value })}
                  autoComplete="current-password"
                />
                {form.code === undefined ? null : <CodeField value={form.code} onChange={(code) => set({ code })} />}
              </>
            )}
            <KeepChoice keychain={keychain} keep={keep} onKeep={setKeep} />
            {report?.needsTrust && report.certificate ? (
              <Notice tone="warn" title="Nobody whom this machine trusts vouches for its certificate">
                <p>
                  Compare the fingerprint with the one on the server before you trust it; from then on only this
                  certificate is accepted.
                </p>
                <CertificateFacts certificate={report.certificate} />
                <Checkbox
                  mt={8}
                  checked={isTrusted}
                  onChange={(event) => setTrusted(event.currentTarget.checked)}
                  label="I have compared it; trust this certificate"
                />
              </Notice>
            ) : null}
            {error === undefined ? null : <Problem error={error} title="The daemon was not added." />}
            <div className="row" style={{ justifyContent: 'flex-end' }}>
              <Button onClick={() => void test()} loading={busy === 'test'} disabled={form.url.trim() === ''}>
                Test connection
              </Button>
              <Button
                type="submit"
                variant="filled"
                loading={busy === 'add'}
                disabled={form.url.trim() === '' || !hasCredential || (report?.needsTrust === true && !isTrusted)}
              >
                Add daemon
              </Button>
            </div>
          </form>
        </Panel>
        <div className="stack">
          {steps.length > 0 || busy === 'test' ? (
            <Panel title="Test" note={report?.version ? `version ${report.version}` : undefined}>
              <ConnectionSteps steps={steps} isRunning={busy === 'test'} />
              {report?.ok ? <State tone="ok">All well; it can be added</State> : null}
            </Panel>
          ) : null}
          <LocalDaemonCard />
        </div>
      </div>
    </Page>
  );
}
