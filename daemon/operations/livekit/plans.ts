import path from 'node:path';
import { stringify } from 'yaml';
import { configText, livekitConfig, redisBlock, withOwn } from '#daemon/edge/livekit-config.ts';
import type { LivekitSecrets } from './keys.ts';
import type { Reach } from './surroundings.ts';

export interface ConfigInput {
  reach: Reach;
  secrets: LivekitSecrets;
  /** Settled port by name. */
  port(name: string): number;
  webhookUrl: string;
  hasRedis: boolean;
  /** What operators set on top. */
  own: Record<string, unknown>;
}

/** Ports of the ingress service. */
export const DEFAULT_PORTS = { rtmp: 1935, whip: 8080 } as const;
export const METRICS_USER = 'streamhub';
const HEADER = '# Written by StreamHub at each start of LiveKit. Change it in the console, under LiveKit.\n';

export const redisUrlOf = ({ secrets, port }: Pick<ConfigInput, 'secrets' | 'port'>): string =>
  `redis://:${secrets.redisPassword}@127.0.0.1:${port('redis')}`;

export const livekitUrlOf = ({ reach, port }: Pick<ConfigInput, 'reach' | 'port'>): string =>
  `ws://${reach.ownHost}:${port('signal')}`;

/** The configuration of the LiveKit server. */
export function livekitText(input: ConfigInput): string {
  const { reach, secrets, port, webhookUrl, hasRedis, own } = input;
  const made = livekitConfig({
    keys: secrets.keys,
    webhook: { apiKey: secrets.webhookKey, url: webhookUrl },
    redisUrl: hasRedis ? redisUrlOf(input) : null,
    nodeIp: reach.nodeIp,
    ...(reach.bind ? { bind: reach.bind } : {}),
    isLocal: reach.isLocal,
    useExternalIp: false,
    region: '',
    ports: { signal: port('signal'), tcp: reach.isLocal ? 0 : port('tcp'), udp: port('udp'), metrics: port('metrics') },
    metricsUser: METRICS_USER,
    metricsPassword: secrets.metricsPassword,
  });
  const ingress = {
    rtmp_base_url: `rtmp://${reach.publicHost}:${port('rtmp') || DEFAULT_PORTS.rtmp}/live`,
    whip_base_url: `http://${reach.publicHost}:${port('whip') || DEFAULT_PORTS.whip}/w`,
  };
  return configText(withOwn(hasRedis ? { ...made, ingress } : made, own), HEADER);
}

/** For a LiveKit that others run: what its configuration needs, with a placeholder for the key. */
export const pasteText = (own: string, webhookUrl: string): string =>
  `${stringify({ webhook: { api_key: '<your API key>', urls: [webhookUrl] } })}${own.trim() === '' ? '' : `${own.trimEnd()}\n`}`;

/** Redis: on loopback, with a password, and with its data in a folder that only it uses. Ingests outlive a restart there. */
export const redisText = ({ secrets, port }: ConfigInput, root: string): string =>
  [
    'bind 127.0.0.1',
    `port ${port('redis')}`,
    `requirepass ${secrets.redisPassword}`,
    `dir "${path.join(root, 'var', 'redis').replace(/["\\]/g, '\\$&')}"`,
    'daemonize no',
    'save ""',
    'appendonly yes',
    '',
  ].join('\n');

/** LiveKit's egress service (https://github.com/livekit/egress#config). */
export const egressText = (input: ConfigInput): string =>
  stringify({
    ...serviceConfig(input),
    health_port: input.port('egress'),
  });

/** LiveKit's ingress service (https://github.com/livekit/ingress#config). */
export const ingressText = (input: ConfigInput): string =>
  stringify({
    ...serviceConfig(input),
    rtmp_port: input.port('rtmp'),
    whip_port: input.port('whip'),
    http_relay_port: input.port('relay'),
    health_port: input.port('ingress'),
    rtc_config: {
      udp_port: input.port('whipMedia'),
      use_external_ip: false,
      ...(input.reach.isLocal ? { enable_loopback_candidate: true } : {}),
    },
  });

const serviceConfig = (input: ConfigInput) => ({
  api_key: input.secrets.apiKey,
  api_secret: input.secrets.apiSecret,
  ws_url: livekitUrlOf(input),
  redis: redisBlock(redisUrlOf(input)),
  logging: { json: true, level: 'info' },
});
