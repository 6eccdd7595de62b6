/** The parts of an app's page, in their order; `keywords` are further words that the palette finds them by. */
export const appTabs = [
  { id: 'streams', label: 'Streams', keywords: 'rooms live' },
  { id: 'ingests', label: 'Ingests', keywords: 'rtmp whip obs encoder stream key' },
  { id: 'recordings', label: 'Recordings', keywords: 'vods' },
  { id: 'config', label: 'Config', keywords: 'yaml edit history' },
  { id: 'presets', label: 'Presets', keywords: '' },
  { id: 'storage', label: 'Storage', keywords: 's3 bucket' },
  { id: 'logs', label: 'Logs', keywords: 'errors' },
  { id: 'callbacks', label: 'Callbacks', keywords: 'webhooks' },
  { id: 'join', label: 'Join', keywords: 'tokens' },
] as const;
