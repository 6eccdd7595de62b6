import { setTimeout } from 'node:timers/promises';
import {
  dispose,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
} from '@livekit/rtc-node';

const WIDTH = 320;
const HEIGHT = 240;

/** Someone in a room, with real media. */
export interface Participant {
  room: Room;
  /** Publishes a video track and keeps sending frames. */
  publish(name?: string): Promise<{ sid: string; stop(): Promise<void> }>;
  leave(): Promise<void>;
  /** Resolves with LiveKit's reason once the connection has ended. */
  disconnected: Promise<number>;
}

/** Joins a room through the server at the address; leaves with the test at the latest. */
export async function join(t: { after(fn: () => unknown): void }, url: string, token: string): Promise<Participant> {
  const room = new Room();
  const { promise: disconnected, resolve } = Promise.withResolvers<number>();
  room.on(RoomEvent.Disconnected, (reason) => resolve(Number(reason)));
  await room.connect(url, token, { autoSubscribe: true, dynacast: false });
  const stops = new Set<() => void>();
  const leave = async (): Promise<void> => {
    for (const stop of stops) stop();
    // from a server that is gone the library takes minutes to say good-bye
    if (room.isConnected) await Promise.race([room.disconnect(), setTimeout(5000, undefined, { ref: false })]);
  };
  t.after(leave);
  return {
    room,
    disconnected,
    leave,
    async publish(name = 'camera') {
      const source = new VideoSource(WIDTH, HEIGHT);
      const track = LocalVideoTrack.createVideoTrack(name, source);
      const options = new TrackPublishOptions();
      options.source = TrackSource.SOURCE_CAMERA;
      // one small picture, five times a second: its encoder is the dearest part of a test of media
      options.simulcast = false;
      const publication = await room.localParticipant!.publishTrack(track, options);
      const frame = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(96);
      const timer = setInterval(() => {
        source.captureFrame(new VideoFrame(frame, WIDTH, HEIGHT, VideoBufferType.I420));
      }, 200);
      // a test that failed must not keep the process
      timer.unref();
      const end = () => {
        clearInterval(timer);
        stops.delete(end);
      };
      stops.add(end);
      const sid = publication.sid ?? '';
      return {
        sid,
        async stop() {
          end();
          await room.localParticipant?.unpublishTrack(sid);
        },
      };
    },
  };
}

/** Ends the native threads of the media library, so that the test process can end; call it once at the end of a file. */
export const disposeMedia = (): Promise<void> => dispose();
