import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { getConfig, patchApp } from '#shared/contract/config.ts';
import { getMqtt, testMqtt } from '#shared/contract/mqtt.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo } from '../../daemon/links.tsx';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { StepList, testedSteps } from '../../ui/feedback/step-list.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';

type Mqtt = ResultOf<typeof getMqtt>['data'];

const TONES: Record<Mqtt['state'], Tone> = { off: 'muted', connecting: 'busy', connected: 'ok', waiting: 'danger' };
const WORDS: Record<Mqtt['state'], string> = {
  off: 'off',
  connecting: 'connecting',
  connected: 'connected',
  waiting: 'not connected',
};
const STEPS = {
  address: 'Check the address',
  connect: 'Connect',
  'sign-in': 'Sign in',
  publish: 'Publish a message',
};

/** The app's connection to its MQTT broker, with a test. */
export function MqttPanel({ app }: { app: string }) {
  const state = useRead(getMqtt, { params: { app } }, { every: 15_000 });
  const test = useChange(testMqtt, { refreshes: [getMqtt] });
  const lack = useLack(testMqtt);
  const result = test.data;
  return (
    <Panel
      title="MQTT broker"
      actions={
        <Button
          size="xs"
          disabled={lack !== undefined || state.data === undefined || state.data.state === 'off'}
          loading={test.isPending}
          onClick={() => test.mutate({ params: { app } })}
        >
          Test connection
        </Button>
      }
    >
      <QueryView query={state} what="the MQTT connection">
        {(now) =>
          now.state === 'off' ? (
            <p className="dim">
              Events are not published over MQTT.{' '}
              <GoTo to={`/apps/${app}/config`}>Set mqtt.enabled and mqtt.url in the config</GoTo>
            </p>
          ) : (
            <>
              {now.state === 'waiting' && now.lastError ? (
                <Notice tone="danger" title={now.lastError}>
                  <p>
                    Since <Ago at={now.disconnectedSince} />.{' '}
                    {now.nextConnectionAt ? (
                      <>
                        Tried again <At at={now.nextConnectionAt} />.
                      </>
                    ) : null}
                  </p>
                </Notice>
              ) : null}
              <Facts
                items={{
                  State: <State tone={TONES[now.state]}>{WORDS[now.state]}</State>,
                  Address: <Mono what="address of the broker">{now.url}</Mono>,
                  'Topics below': <Mono what="topic prefix">{now.topicPrefix}</Mono>,
                  Password: (
                    <span className="row">
                      <State tone="muted">{now.passwordSet ? 'stored' : 'none is stored'}</State>
                      <BrokerPassword app={app} isSet={now.passwordSet} />
                    </span>
                  ),
                  Connected: now.connectedSince ? <Ago at={now.connectedSince} /> : undefined,
                  Waiting: plural(now.pending, 'event'),
                  'Last 24 hours': `${plural(now.delivered24h, 'event')} delivered`,
                }}
              />
            </>
          )
        }
      </QueryView>
      {test.error ? <Problem error={test.error} title="The test could not be run." /> : null}
      {result ? (
        <div role="status">
          <StepList steps={testedSteps(result.steps, STEPS)} />
        </div>
      ) : null}
    </Panel>
  );
}

/** Sets the password at the broker. It can be set, never read. */
function BrokerPassword({ app, isSet }: { app: string; isSet: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const lack = useLack(patchApp);
  const change = useChange(patchApp, { refreshes: [getMqtt, getConfig] });
  const form = useApiForm({
    initialValues: { mqttPassword: '' },
    send: (body) => change.mutateAsync({ params: { name: app }, body }),
    onDone: () => close(),
  });
  const close = (): void => {
    setOpen(false);
    form.discard();
  };
  return (
    <>
      <Button
        size="xs"
        disabled={lack !== undefined}
        title={lack && `This needs ${lack}.`}
        onClick={() => setOpen(true)}
      >
        {isSet ? 'Replace password…' : 'Set password…'}
      </Button>
      <SidePanel isOpen={isOpen} onClose={close} title={`MQTT password of ${app}`}>
        <Form
          form={form}
          action="Set password"
          problemTitle="The password was not set."
          onCancel={close}
          isDisabled={form.values.mqttPassword === ''}
        >
          <p>The daemon signs in at the broker with it. The connection is opened again.</p>
          <PasswordInput
            label="Password"
            description="Kept by the daemon, shown nowhere again."
            autoComplete="off"
            {...form.getInputProps('mqttPassword')}
          />
        </Form>
      </SidePanel>
    </>
  );
}
