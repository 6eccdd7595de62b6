import { CDN_RULES, playlistCacheControl } from '#shared/delivery/cdn.ts';

/** docs/live-hls.md: what live HLS does, and what each CDN must be told. */
export function liveHlsGuide(): string {
  const sections = Object.entries(CDN_RULES).map(([provider, { name, settings }]) => {
    const headers = [4, 10].map((segmentSeconds) => {
      const value = playlistCacheControl({ provider: provider as keyof typeof CDN_RULES, segmentSeconds }, false);
      return `\`${value}\` with segments of ${segmentSeconds} s`;
    });
    return `### \`${provider}\`: ${name}

${settings.map((line, index) => `${index + 1}. ${line}`).join('\n')}

The daemon writes its playlists with the header \`Cache-Control\`: ${headers.join(', ')}.
`;
  });
  return `# Live HLS

With \`distribution.mode: cdn\`, viewers watch a stream as HLS. A CDN can carry it to any number of them, several seconds behind.

## How it works

1. A stream with video starts. The daemon asks LiveKit's egress service for one encoder for each quality of the ladder (\`transcoding.vod_renditions\`,
   or the heights of \`webrtc.layers\`). No quality is larger than what the publisher sends. Without \`transcoding.enabled\` there is one quality.
2. The egress service writes segments to \`<prefix>/hls/<room>-<time>/<height>p/\` in the app's bucket. Without a bucket they are in the app's folder.
3. The daemon writes the master playlist beside them. When there is something to watch, the stream's \`hls.state\` is \`live\` and \`hls.url\` is its address.
4. The stream ends. Players are told that it is over. Ten minutes later the daemon deletes the segments and playlists.

Set \`hls.auto: false\` to start live HLS by hand: in the console under *Streams*, or with \`POST /apps/{app}/streams/{id}/hls/start\` and \`…/stop\`.
After you stop it, it doesn't start automatically again for this stream.

Live HLS is not a recording. To keep a stream, record it as well.

## What it costs

Each quality is an encoder, which takes 2 CPUs of an egress service by its defaults. The sentences of \`GET /apps/{name}/delivery\` and the console say the
sum before it starts. If there are too few CPUs, viewers get the qualities that could start. The daemon tries the others again, at most a minute apart.
\`hls.error\` says which service is missing. An egress service that is killed is noticed after about 20 seconds, and other encoders take over.

## Segments and delay

| key | effect |
| --- | --- |
| \`hls.segment_seconds\` | Length of a segment, in every quality; each begins with a key frame. The default is 4. |
| \`hls.list_size\` | Segments in the playlist. LiveKit's own playlist has 5. For any other number the daemon writes the playlist, once for each segment. |

Segments that left the playlist are deleted after as many again, and not before 30 seconds.

\`hls.delaySeconds\` of a stream says how far viewers are behind. It is the age of the newest segment, from its program date time, and the three segments
that players keep. The metric \`streamhub_live_hls_delay_seconds\` shows the largest of each app.

## Where viewers fetch it

| you have | viewers open |
| --- | --- |
| a bucket and \`distribution.cdn.base_url\` | \`<base_url>/<key>\`: the CDN fetches from the bucket |
| a bucket and \`s3.public_url\` | \`<public_url>/<key>\`: the bucket itself |
| a bucket that is not public | a link of the daemon that works for a day; each segment has a signed link to the bucket |
| no bucket | a link of the daemon, which serves the segments too; a CDN can't be used |

In the first three cases, browsers fetch from the bucket or the CDN, so it must allow other origins (CORS). For a bucket on S3:

\`\`\`json
[{ "AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3600 }]
\`\`\`

## Settings of the CDN

Segments never change, so a CDN may keep them for as long as it likes. Playlists change with every segment. LiveKit writes segments, and the playlist of 5
entries, without the header \`Cache-Control\`. So tell the CDN how long to keep them, by their names. Set \`distribution.cdn.provider\` to your CDN: it decides
the header of the playlists that the daemon writes.

${sections.join('\n')}`;
}
