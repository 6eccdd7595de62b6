const STYLE =
  ':root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem}' +
  'video{width:100%;max-height:70vh;background:#111}input,button{font:inherit;padding:.4rem .7rem}#state{min-height:1.5em}';

/**
 * Small working pages for a new app: publish from the camera, play a room, and a player to embed. The daemon serves them
 * at `/api/v1/samples/<app>/<file>`, with LiveKit's browser client beside them; the address and a join token come from the
 * page's own URL or from the form.
 */
export function samplePages(app: string): Record<string, string> {
  return {
    'publish.html': page(app, 'Publish', form('Start camera') + video('muted'), publishScript),
    'play.html': page(app, 'Play', form('Play') + video(''), playScript),
    'embed.html': page(app, 'Player', video(''), embedScript),
  };
}

const video = (more: string): string => `<video id="video" autoplay playsinline controls ${more}></video>`;
const form = (action: string): string =>
  `<form id="form"><p><label>LiveKit address <input id="url" size="36" placeholder="wss://media.example.com" required></label></p>` +
  `<p><label>Join token <input id="token" size="36" required></label> <button>${action}</button></p></form>`;

function page(app: string, title: string, body: string, script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${app}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}: ${app}</h1>
${body}
<p id="state" role="status"></p>
<!-- A join token: curl -X POST <daemon>/api/v1/apps/${app}/tokens -H "Authorization: Bearer $STREAMHUB_TOKEN" -H "Content-Type: application/json" -d '{}' -->
<script type="module">
${shared}
${script}
</script>
</body>
</html>
`;
}

const shared = `
import { Room, RoomEvent, Track } from '/sdk/livekit-client.mjs';
const say = (text) => { document.getElementById('state').textContent = text; };
const video = document.getElementById('video');
const query = new URLSearchParams(location.hash.slice(1) || location.search);
async function join(url, token) {
  const room = new Room({ adaptiveStream: true, dynacast: true });
  room.on(RoomEvent.Disconnected, () => say('Disconnected.'));
  await room.connect(url, token);
  say('Connected to ' + room.name + '.');
  return room;
}
function onForm(start) {
  for (const id of ['url', 'token']) document.getElementById(id).value = query.get(id) ?? '';
  document.getElementById('form').addEventListener('submit', (event) => {
    event.preventDefault();
    start(document.getElementById('url').value, document.getElementById('token').value).catch((error) => say(String(error.message ?? error)));
  });
}
async function play(url, token) {
  const room = await join(url, token);
  room.on(RoomEvent.TrackSubscribed, (track) => track.attach(video));
}
`;
const publishScript = `
onForm(async (url, token) => {
  const room = await join(url, token);
  await room.localParticipant.enableCameraAndMicrophone();
  room.localParticipant.getTrackPublication(Track.Source.Camera)?.track?.attach(video);
  say('On air in ' + room.name + '.');
});
`;
const playScript = 'onForm(play);';
const embedScript = `
if (query.get('url') && query.get('token')) play(query.get('url'), query.get('token')).catch((error) => say(String(error.message ?? error)));
else say('Add #url=<LiveKit address>&token=<join token> to the address of this page.');
`;
