import { Button, Checkbox, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { getConfig } from '#shared/contract/config.ts';
import { createJoinToken } from '#shared/contract/rooms.ts';
import { getSettings } from '#shared/contract/system.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import classes from './streams.module.css';

/** Makes a token that opens a room, with everything to try it at once. */
export function JoinTab({ app }: { app: string }) {
  const lack = useLack(createJoinToken);
  const config = useRead(getConfig, { params: { app } });
  const canSettings = useLack(getSettings) === undefined;
  const settings = useRead(getSettings, undefined, { enabled: canSettings });
  const create = useChange(createJoinToken);
  const [room, setRoom] = useState('');
  const [identity, setIdentity] = useState('');
  const [ttl, setTtl] = useState('6h');
  const [canPublish, setPublish] = useState(true);
  const [canSubscribe, setSubscribe] = useState(true);
  const [hidden, setHidden] = useState(false);
  const [audioOnly, setAudioOnly] = useState(false);
  const server = fieldErrors(create.error);
  const hasKeys = settings.data?.livekit.apiKeySet;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate({
      params: { app },
      body: {
        canPublish,
        canSubscribe,
        ttl,
        ...(room ? { room } : {}),
        ...(identity ? { identity } : {}),
        ...(hidden ? { hidden } : {}),
        ...(audioOnly ? { audioOnly } : {}),
      },
    });
  };
  const hiddenAllowed = config.data?.features.hiddenQc === true;
  return (
    <div className={classes.join}>
      <Panel title="Who joins where">
        <form className="stack" onSubmit={submit}>
          {lack ? <Notice tone="info" title={`Making tokens needs ${lack}.`} /> : null}
          {hasKeys === false ? (
            <Notice
              tone="warn"
              title="LiveKit is not set up"
              action={
                <GoTo to="/settings" search={{ q: 'LIVEKIT' }}>
                  How to set it up
                </GoTo>
              }
            >
              <p>Tokens are signed with LiveKit’s API key and secret.</p>
            </Notice>
          ) : null}
          <TextInput
            label="Room"
            description="Empty: the app’s own room. A name without the app’s prefix gets it in front."
            placeholder="stage"
            value={room}
            onChange={(event) => setRoom(event.currentTarget.value)}
            error={server.of('room')}
            maxLength={120}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mono)' } }}
          />
          <TextInput
            label="Identity"
            description="Who joins. Empty: an anonymous one is made up."
            value={identity}
            onChange={(event) => setIdentity(event.currentTarget.value)}
            error={server.of('identity')}
            maxLength={120}
          />
          <TextInput
            label="Valid for"
            description="As 90s, 10m, 6h or 7d."
            value={ttl}
            onChange={(event) => setTtl(event.currentTarget.value)}
            error={server.of('ttl')}
            maw={220}
          />
          <div className="stack" style={{ gap: 6 }}>
            <Checkbox
              label="May publish"
              checked={canPublish}
              onChange={(event) => setPublish(event.currentTarget.checked)}
            />
            <Checkbox
              label="May watch"
              checked={canSubscribe}
              onChange={(event) => setSubscribe(event.currentTarget.checked)}
            />
            <Checkbox
              label="Microphone only"
              checked={audioOnly}
              onChange={(event) => setAudioOnly(event.currentTarget.checked)}
            />
            <Checkbox
              label="Joins unseen"
              description={hiddenAllowed ? undefined : 'Needs features.hidden_qc in the config.'}
              disabled={!hiddenAllowed}
              checked={hidden && hiddenAllowed}
              onChange={(event) => setHidden(event.currentTarget.checked)}
            />
          </div>
          {server.rest === undefined ? null : <Problem error={server.rest} title="No token was made." />}
          <div className="row" style={{ justifyContent: 'flex-end' }}>
            <Button
              type="submit"
              variant="filled"
              loading={create.isPending}
              disabled={lack !== undefined || !/^[1-9]\d{0,5}[smhd]$/.test(ttl)}
            >
              Make token
            </Button>
          </div>
        </form>
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
                  <a href={create.data.playUrl} target="_blank" rel="noreferrer">
                    Open the player page
                  </a>
                ),
              }}
            />
            <div>
              <p className="dim">Token</p>
              <CopyBox text={create.data.token} what="token" />
            </div>
            <div>
              <p className="dim">To embed</p>
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
