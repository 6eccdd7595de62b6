import { Button } from '@mantine/core';
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
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { StoredSecret } from './stored-secret.tsx';

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
                      <StoredSecret
                        app={app}
                        field="mqttPassword"
                        word="password"
                        title={`MQTT password of ${app}`}
                        label="Password"
                        isSet={now.passwordSet}
                        shownBy={getMqtt}
                      >
                        The daemon signs in at the broker with it. The connection is opened again.
                      </StoredSecret>
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
