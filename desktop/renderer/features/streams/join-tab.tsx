import { Checkbox, TextInput } from '@mantine/core';
import { getConfig } from '#shared/contract/config.ts';
import { createJoinToken } from '#shared/contract/rooms.ts';
import { getSettings } from '#shared/contract/system.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import classes from './streams.module.css';

/** Makes a token that opens a room, with everything to try it immediately. */
export function JoinTab({ app }: { app: string }) {
  const lack = useLack(createJoinToken);
  const config = useRead(getConfig, { params: { app } });
  const canSettings = useLack(getSettings) === undefined;
  const settings = useRead(getSettings, undefined, { enabled: canSettings });
  const create = useChange(createJoinToken);
  const form = useApiForm({
    initialValues: {
      room: '',
      identity: '',
      ttl: '6h',
      region: '',
      canPublish: true,
      canSubscribe: true,
      hidden: false,
      audioOnly: false,
    },
    send: ({ room, identity, region, hidden, audioOnly, ...rest }) =>
      create.mutateAsync({
        params: { app },
        body: {
          ...rest,
          ...(room ? { room } : {}),
          ...(identity ? { identity } : {}),
          ...(region ? { region } : {}),
          ...(hidden ? { hidden } : {}),
          ...(audioOnly ? { audioOnly } : {}),
        },
      }),
  });
  const hasKeys = settings.data?.livekit.apiKeySet;
  const hiddenAllowed = config.data?.features.hiddenQc === true;
  return (
    <div className={classes.join}>
      <Panel title="New join token">
        <Form
          form={form}
          action="Create token"
          problemTitle="No token was created."
          isDisabled={lack !== undefined || !/^[1-9]\d{0,5}[smhd]$/.test(form.values.ttl)}
        >
          {lack ? <Notice tone="info" title={`Making tokens needs ${lack}.`} /> : null}
          {hasKeys === false ? (
            <Notice
              tone="warn"
              title="LiveKit is not set up"
              action={
                <GoTo to="/settings" search={{ connect: 'livekit' }}>
                  How to set it up
                </GoTo>
              }
            >
              <p>Tokens are signed with LiveKit’s API key and secret.</p>
            </Notice>
          ) : null}
          <TextInput
            label="Room"
            description="Leave empty for the app’s own room. The app’s prefix is added if it is missing."
            placeholder="stage"
            {...form.getInputProps('room')}
            maxLength={120}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mono)' } }}
          />
          <TextInput
            label="Identity"
            description="Leave empty for a random identity."
            {...form.getInputProps('identity')}
            maxLength={120}
          />
          <TextInput
            label="Valid for"
            description="For example 90s, 10m, 6h, 7d"
            {...form.getInputProps('ttl')}
            maw={220}
          />
          <TextInput
            label="Region"
            description="Of the participant. With several nodes, one in this region is preferred."
            {...form.getInputProps('region')}
            maxLength={64}
            maw={220}
          />
          <div className="stack" style={{ gap: 6 }}>
            <Checkbox label="May publish" {...form.getInputProps('canPublish', { type: 'checkbox' })} />
            <Checkbox label="May watch" {...form.getInputProps('canSubscribe', { type: 'checkbox' })} />
            <Checkbox label="Audio only" {...form.getInputProps('audioOnly', { type: 'checkbox' })} />
            <Checkbox
              label="Hidden participant"
              description={hiddenAllowed ? undefined : 'Needs features.hidden_qc in the config.'}
              disabled={!hiddenAllowed}
              {...form.getInputProps('hidden', { type: 'checkbox' })}
              checked={form.values.hidden && hiddenAllowed}
            />
          </div>
        </Form>
      </Panel>
      {create.data ? (
        <Panel title="Ready to join" note={`Valid for ${create.variables?.body?.ttl ?? '6h'}.`}>
          <div className="stack">
            <Facts
              items={{
                Room: <Mono what="room">{create.data.room}</Mono>,
                Identity: <Mono what="identity">{create.data.identity}</Mono>,
                'Connect to': <Mono what="address">{create.data.wsUrl}</Mono>,
                Node: create.data.node ?? <span className="dim">LiveKit chooses</span>,
                'Try it': (
                  <span className="row">
                    {create.data.publishUrl ? (
                      <a href={create.data.publishUrl} target="_blank" rel="noreferrer">
                        Open the publish page
                      </a>
                    ) : null}
                    {create.variables?.body?.canSubscribe === false ? null : (
                      <a href={create.data.playUrl} target="_blank" rel="noreferrer">
                        Open the watch page
                      </a>
                    )}
                  </span>
                ),
              }}
            />
            <div>
              <p className="dim">Token</p>
              <CopyBox text={create.data.token} what="token" />
            </div>
            <div>
              <p className="dim">Embed code</p>
              <CopyBox text={create.data.iframe} what="HTML" />
            </div>
          </div>
        </Panel>
      ) : (
        <Panel title="What it is for">
          <p className="dim">
            A join token lets one participant into one room, in any LiveKit client. Programs make them with{' '}
            <code>POST /apps/{app}/tokens</code>.
          </p>
        </Panel>
      )}
    </div>
  );
}
