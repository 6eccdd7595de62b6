import { NativeSelect } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { getVod } from '#shared/contract/vods.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import classes from './streams.module.css';

type Vod = ResultOf<typeof getVod>;
type Hls = InstanceType<typeof import('hls.js').default>;

const isPlaylist = (url: string): boolean => url.split('?')[0]?.endsWith('.m3u8') === true;

/**
 * Plays a recording: its ladder with a choice of qualities, else the file itself. What plays is not exchanged, although
 * each read of the recording brings another link, and one of them the ladder.
 */
export function VodPlayer({ vod }: { vod: Vod }) {
  const [failed, setFailed] = useState<string>();
  const [isFileBegun, setFileBegun] = useState(false);
  if (vod.status !== 'ready' || vod.url === null) return null;
  const ladder = vod.hlsUrl ?? (isPlaylist(vod.url) ? vod.url : null);
  // a ladder that this browser can't read is still a file
  const isHls = ladder !== null && !isFileBegun && !(failed === 'ladder' && !isPlaylist(vod.url));
  if (failed === 'file' || (failed === 'ladder' && isHls)) {
    return (
      <Notice tone="warn" title="It cannot be played here">
        <p>
          The bucket did not give the file to this browser, or it has no codec for it.{' '}
          {isHls ? 'For HLS, the bucket’s CORS rules must let pages read it: test the storage. ' : ''}The link below
          opens it elsewhere.
        </p>
      </Notice>
    );
  }
  if (isHls) return <HlsVideo key={vod.id} url={ladder} onFail={() => setFailed('ladder')} />;
  return <FileVideo key={vod.id} url={vod.url} onPlay={() => setFileBegun(true)} onFail={() => setFailed('file')} />;
}

function FileVideo({ url, onPlay, onFail }: { url: string; onPlay: () => void; onFail: () => void }) {
  const [source] = useState(url);
  return (
    // biome-ignore lint/a11y/useMediaCaption: recordings have no captions
    <video className={classes.player} src={source} controls preload="metadata" onPlay={onPlay} onError={onFail} />
  );
}

/** With hls.js, or with the browser itself where hls.js cannot run (iOS). */
function HlsVideo({ url, onFail }: { url: string; onFail: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Hls>(null);
  const [source] = useState(url);
  const [heights, setHeights] = useState<number[]>([]);
  const fail = useRef(onFail);
  fail.current = onFail;
  useEffect(() => {
    let isGone = false;
    const begin = async () => {
      const { default: Player } = await import('hls.js');
      const element = video.current;
      if (isGone || element === null) return;
      if (!Player.isSupported()) {
        element.src = source;
        return;
      }
      // the console's pages run no worker
      const hls = new Player({ enableWorker: false, maxBufferLength: 10, capLevelToPlayerSize: true });
      player.current = hls;
      hls.on(Player.Events.MANIFEST_PARSED, (_event, { levels }) => setHeights(levels.map(({ height }) => height)));
      hls.on(Player.Events.ERROR, (_event, { fatal }) => {
        if (fatal) fail.current();
      });
      hls.loadSource(source);
      hls.attachMedia(element);
    };
    begin().catch(() => fail.current());
    return () => {
      isGone = true;
      player.current?.destroy();
      player.current = null;
    };
  }, [source]);
  return (
    <div className="stack">
      {/* biome-ignore lint/a11y/useMediaCaption: recordings have no captions */}
      <video ref={video} className={classes.player} controls preload="metadata" onError={() => fail.current()} />
      {heights.length > 1 ? (
        <NativeSelect
          label="Quality"
          maw={160}
          data={[
            { value: '-1', label: 'Auto' },
            ...heights.map((height, level) => ({ value: String(level), label: `${height}p` })).reverse(),
          ]}
          onChange={({ currentTarget }) => {
            if (player.current) player.current.nextLevel = Number(currentTarget.value);
          }}
        />
      ) : null}
    </div>
  );
}
