import { Button, Checkbox, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { Credential, TestReport, TestStep } from '#shared/ipc/connections.ts';
import { HostError } from '../../host/bridge.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Page, Panel } from '../../ui/layout/page.tsx';
import { KeepChoice } from '../sign-in/keychain-notice.tsx';
import { CodeField } from '../sign-in/sign-in-form.tsx';
import { useKeychain } from '../sign-in/use-keychain.ts';
import { CertificateFacts } from './certificate.tsx';
import { ConnectionSteps } from './connection-steps.tsx';
import classes from './daemons.module.css';
import { LocalDaemonCard } from './local-daemon-card.tsx';

interface Values {
  url: string;
  name: string;
  kind: 'token' | 'password';
  token: string;
  user: string;
  password: string;
  code: string | undefined;
}
const EMPTY: Values = { url: '', name: '', kind: 'token', token: '', user: '', password: '', code: undefined };

function credentialOf({ kind, token, user, password, code }: Values): Credential {
  return kind === 'token'
    ? { kind, token: token.trim() }
    : { kind, user: user.trim(), password, ...(code ? { code } : {}) };
}

/** Adds a daemon: its address, a token or password, a test of the way to it, its certificate where that is its own. */
export function AddDaemonPage() {
  const native = bridge().desktop?.connections;
  const navigate = useNavigate();
  const { url: given } = useSearch({ strict: false }) as { url?: string };
  const [steps, setSteps] = useState<readonly TestStep[]>([]);
  const [report, setReport] = useState<TestReport>();
  const [isTesting, setTesting] = useState(false);
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
  const form = useApiForm({
    initialValues: { ...EMPTY, url: given ?? '' },
    keep: 'add-daemon',
    onValuesChange: (values, before) => {
      form.setProblem(undefined);
      if (values.url === before.url) return;
      setReport(undefined);
      setSteps([]);
      setTrusted(false);
    },
    send: async (values) => {
      if (native === undefined) return undefined;
      try {
        return opened(
          await native.add({
            url: values.url.trim(),
            credential: credentialOf(values),
            keep: keychain?.state === 'ready' && keep ? 'keychain' : 'session',
            ...(values.name.trim() ? { name: values.name.trim() } : {}),
            ...(fingerprint ? { fingerprint } : {}),
          }),
        );
      } catch (error) {
        if (!(error instanceof HostError && error.code === 'SECOND_FACTOR_REQUIRED' && values.code === undefined))
          throw error;
        form.setFieldValue('code', '');
        return undefined;
      }
    },
    onDone: (connection) => {
      if (connection === undefined) return;
      form.discard();
      void navigate({ to: `/d/${connection.id}` as '/' });
    },
  });
  const { values } = form;
  const hasCredential =
    values.kind === 'token' ? values.token.trim() !== '' : values.user.trim() !== '' && values.password !== '';
  const fingerprint = isTrusted ? report?.certificate?.fingerprint : undefined;

  const test = async (): Promise<void> => {
    if (native === undefined) return;
    testId.current = crypto.randomUUID();
    setTesting(true);
    setSteps([]);
    form.setProblem(undefined);
    try {
      const done = opened(
        await native.test({
          testId: testId.current,
          target: {
            url: values.url.trim(),
            ...(hasCredential ? { credential: credentialOf(values) } : {}),
            ...(fingerprint ? { fingerprint } : {}),
          },
        }),
      );
      setReport(done);
      setSteps(done.steps);
    } catch (failure) {
      form.setProblem(failure);
    } finally {
      setTesting(false);
    }
  };
  return (
    <Page title="Add a daemon">
      <div className={classes.add}>
        <Panel title="Where it is">
          <Form
            form={form}
            action="Add daemon"
            problemTitle="The daemon was not added."
            isDisabled={values.url.trim() === '' || !hasCredential || (report?.needsTrust === true && !isTrusted)}
            aside={
              <Button onClick={() => void test()} loading={isTesting} disabled={values.url.trim() === ''}>
                Test connection
              </Button>
            }
          >
            <TextInput
              label="Address"
              description="Host name or URL, with the port if needed."
              placeholder="studio.example.com"
              {...form.getInputProps('url')}
              required
              data-autofocus
              autoFocus
              spellCheck={false}
              autoCapitalize="none"
            />
            <TextInput
              label="Name"
              description="Leave empty to use the address."
              {...form.getInputProps('name')}
              maxLength={320}
            />
            <SegmentedControl
              aria-label="How to sign in"
              value={values.kind}
              onChange={(value) => form.setFieldValue('kind', value as 'token' | 'password')}
              data={[
                { value: 'token', label: 'API token' },
                { value: 'password', label: 'Password' },
              ]}
            />
            {values.kind === 'token' ? (
              <PasswordInput
                label="Token"
                description="Begins with sk_. Printed in the terminal at first start."
                {...form.getInputProps('token')}
                autoComplete="off"
              />
            ) : (
              <>
                <TextInput
                  label="Email address or admin name"
                  {...form.getInputProps('user')}
                  autoComplete="username"
                  spellCheck={false}
                />
                <PasswordInput
                  label="Password of the account"
                  {...form.getInputProps('password')}
                  autoComplete="current-password"
                />
                {values.code === undefined ? null : (
                  <CodeField value={values.code} onChange={(code) => form.setFieldValue('code', code)} />
                )}
              </>
            )}
            <KeepChoice keychain={keychain} keep={keep} onKeep={setKeep} />
            {report?.needsTrust && report.certificate ? (
              <Notice tone="warn" title="Its certificate is not from a trusted authority">
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
          </Form>
        </Panel>
        <div className="stack">
          {steps.length > 0 || isTesting ? (
            <Panel title="Test" note={report?.version ? `version ${report.version}` : undefined}>
              <ConnectionSteps steps={steps} isRunning={isTesting} />
              {report?.ok ? <State tone="ok">All well; it can be added</State> : null}
            </Panel>
          ) : null}
          <LocalDaemonCard />
        </div>
      </div>
    </Page>
  );
}
