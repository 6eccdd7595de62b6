/** The page of the console where a failure is repaired or looked into. */
export interface Remedy {
  label: string;
  /** Below the daemon's own pages of the console. */
  path: string;
  search?: Record<string, string>;
}

/** What is known of a failure. */
export interface Failure {
  code: string;
  app?: string | undefined;
  requestId?: string | undefined;
}

type Place = (app: string | undefined) => Remedy | undefined;
const settings =
  (q: string): Place =>
  () => ({ label: 'Show settings', path: '/settings', search: { q } });
const page =
  (label: string, path: string): Place =>
  () => ({ label, path });
const tab =
  (label: string, name: string): Place =>
  (app) =>
    app === undefined ? undefined : { label, path: `/apps/${app}/${name}` };

/** By the beginning of the code, the first that fits; a code without a page is looked up in the log. */
const PLACES: readonly (readonly [begin: RegExp, place: Place])[] = [
  [/^LIVEKIT_/, settings('LIVEKIT')],
  [/^(?:RECORDING_DISABLED|FEATURE_OFF|LIVE_HLS_OFF|CALLBACKS_OFF|MQTT_OFF|CONFIG_)/, tab('Edit config', 'config')],
  [/^STORAGE_FULL$/, page('Show storage', '/storage')],
  [/^(?:STORAGE_|RECORDING_NOT_MOVED|PLAYLIST_UNREADABLE)/, tab('Show storage', 'storage')],
  [/^(?:RECORDING_|VOD_|ALREADY_RECORDING)/, tab('Show recordings', 'recordings')],
  [/^(?:TRANSCODING_|FFMPEG_)/, page('Show jobs', '/jobs')],
  [/^JOB_/, page('Show jobs', '/jobs')],
  [/^(?:STREAM_|ROOM_NOT_FOUND|LIVE_HLS_)/, tab('Show streams', 'streams')],
  [/^INGRESS_/, tab('Show ingests', 'ingests')],
  [/^PLUGIN_/, page('Show plugins', '/plugins')],
  [/^(?:NODE_|CLUSTER_|AGENT_|JOIN_CODE_)/, page('Show cluster', '/cluster')],
  [/^(?:MAIL_|MAGIC_LINK_)/, settings('SMTP')],
];

/** Where to go about a failure; undefined where there is nowhere to go. */
export function remedyOf({ code, app, requestId }: Failure): Remedy | undefined {
  const place = PLACES.find(([begin]) => begin.test(code))?.[1](app);
  return place ?? logOf(requestId);
}

/** The lines of a request. */
export const logOf = (requestId: string | undefined): Remedy | undefined =>
  requestId === undefined
    ? undefined
    : { label: 'Find in the log', path: '/logs', search: { q: requestId, range: '24h' } };
