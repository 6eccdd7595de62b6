import { Button, Loader, Switch } from '@mantine/core';
import type { RemoteParticipant, RemoteTrack, RemoteTrackPublication, Room } from 'livekit-client';
import { useEffect, useRef, useState } from 'react';
import { watchRoom } from '#shared/contract/rooms.ts';
import { useChange } from '../../api/query.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { bitrate, count } from '../../ui/words/format.ts';
import classes from './rooms.module.css';

/** Pictures at a time: each is decoded here. */
const MAX_PICTURES = 9;
const STATS_MS = 2000;

interface Picture {
  sid: string;
  name: string;
  track: RemoteTrack;
}

interface Seen {
  pictures: Picture[];
  sounds: RemoteTrack[];
  /** Pictures in the room, also those that aren't shown. */
  total: number;
}

const NOTHING: Seen = { pictures: [], sounds: [], total: 0 };

/** Plays a room in the page, as a hidden participant that only receives. */
export function WatchPanel({ app, room, onClose }: { app: string; room: string; onClose: () => void }) {
  const { mutateAsync: makeToken } = useChange(watchRoom);
  const [seen, setSeen] = useState<Seen>(NOTHING);
  const [state, setState] = useState<'connecting' | 'connected' | 'ended'>('connecting');
  const [failure, setFailure] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  const [hasSound, setSound] = useState(false);
  /** Asks for what is wanted now, and shows it. */
  const look = useRef<(withSound: boolean) => void>(undefined);
  const wantsSound = useRef(hasSound);
  wantsSound.current = hasSound;
  useEffect(() => look.current?.(hasSound), [hasSound]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a further attempt connects again
  useEffect(() => {
    let isGone = false;
    let connection: Room | undefined;
    setState('connecting');
    setFailure(undefined);
    const connect = async (): Promise<void> => {
      const [{ wsUrl, token }, client] = await Promise.all([
        makeToken({ params: { app, room } }),
        import('livekit-client'),
      ]);
      if (isGone) return;
      const { Room: LiveRoom, RoomEvent } = client;
      const joined = new LiveRoom({ adaptiveStream: true });
      connection = joined;
      look.current = (withSound) => {
        if (!isGone) setSeen(choose(joined, withSound));
      };
      const lookAgain = (): void => look.current?.(wantsSound.current);
      for (const event of [
        RoomEvent.TrackPublished,
        RoomEvent.TrackUnpublished,
        RoomEvent.TrackSubscribed,
        RoomEvent.TrackUnsubscribed,
        RoomEvent.TrackMuted,
        RoomEvent.TrackUnmuted,
        RoomEvent.ParticipantDisconnected,
        RoomEvent.ParticipantNameChanged,
      ] as const)
        joined.on(event, lookAgain);
      joined.on(RoomEvent.Disconnected, () => {
        if (!isGone) setState('ended');
      });
      await joined.connect(wsUrl, token, { autoSubscribe: false });
      if (isGone) return void joined.disconnect();
      setState('connected');
      lookAgain();
    };
    connect().catch((error: unknown) => {
      if (!isGone) setFailure(error);
    });
    return () => {
      isGone = true;
      look.current = undefined;
      setSeen(NOTHING);
      void connection?.disconnect();
    };
  }, [app, room, attempt, makeToken]);

  const again = (): void => setAttempt((number) => number + 1);
  return (
    <section className={classes.watch} aria-label={`Watching ${room}`}>
      <div className="row">
        <span className="grow dim">
          You are hidden: nobody in the room sees you, and you don’t count as a viewer.
          {seen.total > seen.pictures.length && state === 'connected'
            ? ` ${count(seen.pictures.length)} of ${count(seen.total)} pictures are shown.`
            : ''}
        </span>
        <Switch
          label="Sound"
          checked={hasSound}
          onChange={(event) => setSound(event.currentTarget.checked)}
          disabled={state !== 'connected'}
        />
        <Button size="xs" onClick={onClose}>
          Close
        </Button>
      </div>
      {failure !== undefined ? (
        <Problem error={failure} title="The room can’t be watched." onRetry={again} />
      ) : state === 'connecting' ? (
        <Loader size="sm" aria-label="Connecting" />
      ) : state === 'ended' ? (
        <Notice
          tone="info"
          title="The connection to the room ended."
          action={
            <Button size="xs" onClick={again}>
              Connect again
            </Button>
          }
        />
      ) : seen.pictures.length === 0 ? (
        <span className="dim">Nobody sends a picture.</span>
      ) : (
        <div className={classes.tiles}>
          {seen.pictures.map((picture) => (
            <Tile key={picture.sid} picture={picture} />
          ))}
        </div>
      )}
      {hasSound ? seen.sounds.map((track) => <Sound key={track.sid} track={track} />) : null}
    </section>
  );
}

/** Asks for the first pictures, and for all sounds where they are wanted. */
function choose(room: Room, withSound: boolean): Seen {
  const pictures: [RemoteParticipant, RemoteTrackPublication][] = [];
  const sounds: RemoteTrack[] = [];
  for (const participant of room.remoteParticipants.values())
    for (const publication of participant.trackPublications.values() as Iterable<RemoteTrackPublication>) {
      if (publication.kind === 'video') {
        if (!publication.isMuted) pictures.push([participant, publication]);
        continue;
      }
      if (publication.isDesired !== withSound) publication.setSubscribed(withSound);
      if (publication.track) sounds.push(publication.track);
    }
  for (const [index, [, publication]] of pictures.entries()) {
    const isWanted = index < MAX_PICTURES;
    if (publication.isDesired !== isWanted) publication.setSubscribed(isWanted);
  }
  return {
    total: pictures.length,
    sounds,
    pictures: pictures
      .slice(0, MAX_PICTURES)
      .flatMap(([participant, { track, trackSid }]) =>
        track === undefined ? [] : [{ sid: trackSid, name: participant.name || participant.identity, track }],
      ),
  };
}

function Tile({ picture: { name, track } }: { picture: Picture }) {
  const video = useRef<HTMLVideoElement>(null);
  const [words, setWords] = useState('');
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    track.attach(element);
    return () => {
      track.detach(element);
    };
  }, [track]);
  useEffect(() => {
    let last: { bytes: number; at: number } | undefined;
    const timer = setInterval(async () => {
      const report = await track.getRTCStatsReport();
      for (const stat of report?.values() ?? []) {
        if (stat.type !== 'inbound-rtp') continue;
        const now = { bytes: Number(stat.bytesReceived), at: Number(stat.timestamp) };
        const rate = last === undefined ? undefined : ((now.bytes - last.bytes) * 8000) / (now.at - last.at);
        last = now;
        const size = stat.frameWidth ? `${stat.frameWidth} × ${stat.frameHeight}` : '';
        const frames = stat.framesPerSecond ? `${Math.round(stat.framesPerSecond)} frames/s` : '';
        setWords([size, frames, rate === undefined ? '' : bitrate(rate)].filter((part) => part !== '').join(', '));
      }
    }, STATS_MS);
    return () => clearInterval(timer);
  }, [track]);
  return (
    <figure className={classes.tile}>
      <video ref={video} muted playsInline autoPlay aria-label={`Picture of ${name}`} />
      <figcaption className={classes.caption}>
        <span className="cut">{name}</span>
        <span className="num">{words}</span>
      </figcaption>
    </figure>
  );
}

function Sound({ track }: { track: RemoteTrack }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (element === null) return;
    track.attach(element);
    return () => {
      track.detach(element);
    };
  }, [track]);
  // biome-ignore lint/a11y/useMediaCaption: live sound has no captions
  return <audio ref={audio} autoPlay />;
}
