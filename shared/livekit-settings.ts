import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { MAX_LIVEKIT_SETTINGS } from './limits.ts';

const block = (description: string, properties: Parameters<typeof Type.Object>[0]) =>
  Type.Optional(Type.Object(properties, { additionalProperties: false, description }));
const port = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description }));
const count = (description: string, more: object = {}) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, description, ...more }));
const flag = (description: string, fallback: boolean) =>
  Type.Optional(Type.Boolean({ description, default: fallback }));
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }));
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const level = (description: string) =>
  Type.Optional(Type.Unsafe<string>({ type: 'string', enum: [...LEVELS], description }));

/** Codecs that LiveKit 1.13 knows (https://github.com/livekit/livekit/blob/v1.13.5/pkg/config/config.go). */
const CODECS = [
  'audio/opus',
  'audio/red',
  'audio/pcmu',
  'audio/pcma',
  'video/vp8',
  'video/h264',
  'video/vp9',
  'video/av1',
  'video/h265',
  'video/rtx',
];

/**
 * What operators set of LiveKit's configuration, with LiveKit's own names (v1.13.5). Keys, webhooks, Redis and metrics are the
 * daemon's. LiveKit reads its configuration when it starts, so every change needs a restart of it.
 */
export const LivekitSettings = Type.Object(
  {
    port: port('TCP port for API and signaling. Unset: 7880, or another free one.'),
    rtc: block('How media reaches LiveKit.', {
      tcp_port: port('TCP port for media where UDP is blocked. Unset: 7881, or another free one.'),
      udp_port: port('One UDP port for all media. Unset: 7882, or another free one.'),
      port_range_start: port('First UDP port of a range, in place of one port.'),
      port_range_end: port('Last UDP port of the range.'),
      use_external_ip: flag('Behind NAT: ask a STUN server for the address that clients see.', false),
      node_ip: text('Address that clients send media to. Unset: the machine’s own.'),
      allow_tcp_fallback: flag('Let clients change to TCP or TURN when UDP fails.', true),
    }),
    turn: block('TURN server for clients behind strict firewalls.', {
      enabled: flag('Run the TURN server.', false),
      domain: text('Name of the TURN server, for which its certificate is.'),
      tls_port: port('TCP port of TURN over TLS; 443 passes most firewalls.'),
      udp_port: port('UDP port of TURN.'),
      external_tls: flag('A load balancer or proxy ends TLS before it.', false),
      cert_file: text('PEM file with the certificate.'),
      key_file: text('PEM file with its key.'),
      relay_range_start: port('First UDP port of relayed media.'),
      relay_range_end: port('Last UDP port of relayed media.'),
    }),
    room: block('Rooms.', {
      max_participants: count('Most participants of a room; 0 = no limit.'),
      empty_timeout: count('How long a room without participants stays open.', { 'x-unit': 's' }),
      departure_timeout: count('How long a room stays open after the last participant left.', { 'x-unit': 's' }),
      enable_remote_unmute: flag('Let administrators unmute participants.', false),
      enabled_codecs: Type.Optional(
        Type.Array(
          Type.Object(
            {
              mime: Type.Unsafe<string>({ type: 'string', enum: CODECS }),
              fmtp_line: text('Parameters of the codec.'),
            },
            { additionalProperties: false },
          ),
          { maxItems: 20, description: 'Codecs that publishers may use. Unset: all that LiveKit knows.' },
        ),
      ),
    }),
    limit: block('Limits of this server; 0 = no limit.', {
      num_tracks: count('Most tracks. New rooms go to other servers then.'),
      bytes_per_sec: count('Most bytes a second. New rooms go to other servers then.', { 'x-unit': 'B/s' }),
      subscription_limit_video: count('Most video tracks that one participant receives.'),
      subscription_limit_audio: count('Most audio tracks that one participant receives.'),
      max_metadata_size: count('Longest metadata of a room or participant.', { 'x-unit': 'B' }),
    }),
    logging: block('What LiveKit writes to its log.', {
      level: level('Lowest level of LiveKit’s lines.'),
      pion_level: level('Lowest level of the WebRTC library’s lines.'),
    }),
  },
  { additionalProperties: false, description: 'LiveKit’s own settings.' },
);

type Tree = Record<string, unknown>;

export interface LivekitFinding {
  /** From 1; null = the whole text. */
  line: number | null;
  /** A sentence that names the key. It quotes no value. */
  message: string;
}

/** Reads a text of LiveKit's settings and says what is wrong with it. Never throws. */
export function checkLivekitSettings(yaml: string): { value: Tree; findings: LivekitFinding[] } {
  const wrong = (message: string, line: number | null = null) => ({ value: {}, findings: [{ line, message }] });
  if (yaml.length > MAX_LIVEKIT_SETTINGS) return wrong(`The text is longer than ${MAX_LIVEKIT_SETTINGS} characters.`);
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, uniqueKeys: true });
  const [error] = document.errors;
  if (error) return wrong(`The text is not valid YAML: ${error.code}.`, error.linePos?.[0].line ?? null);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch {
    return wrong('Aliases are not allowed.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong('The text must be a mapping, as LiveKit’s configuration is.', 1);
  const lineOf = (path: readonly (string | number)[]): number | null => {
    for (let parts = path; parts.length > 0; parts = parts.slice(0, -1)) {
      const node = document.getIn(parts, true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  const findings = [...Value.Errors(LivekitSettings, value)].flatMap((problem) => {
    const at = problem.instancePath.split('/').slice(1);
    const { additionalProperties } = (problem.params ?? {}) as { additionalProperties?: string[] };
    return (additionalProperties ?? [undefined]).map((name) => {
      const path = name === undefined ? at : [...at, name];
      const key = path.join('.');
      return {
        line: lineOf(path),
        message:
          name === undefined ? `${key} ${problem.message}.` : `${key} is not a setting that can be changed here.`,
      };
    });
  });
  return { value: value as Tree, findings: findings.length > 0 ? findings : crossChecks(value as Tree) };
}

/** What LiveKit itself refuses at its start, where it would say so too late. */
function crossChecks({ rtc = {}, turn = {} }: { rtc?: Tree; turn?: Tree }): LivekitFinding[] {
  const findings: string[] = [];
  const ranges = [
    ['rtc', rtc, 'port_range'],
    ['turn', turn, 'relay_range'],
  ] as const;
  for (const [name, block, prefix] of ranges) {
    const [start, end] = [block[`${prefix}_start`], block[`${prefix}_end`]];
    if ((start === undefined) !== (end === undefined))
      findings.push(`${name}.${prefix}_start and ${prefix}_end belong together.`);
    else if (Number(start) > Number(end)) findings.push(`${name}.${prefix}_end must not be below ${prefix}_start.`);
  }
  if (turn['enabled'] === true) {
    if (turn['tls_port'] === undefined && turn['udp_port'] === undefined)
      findings.push('turn needs tls_port or udp_port while it is enabled.');
    if (turn['tls_port'] !== undefined && turn['domain'] === undefined)
      findings.push('turn.tls_port needs turn.domain.');
    const hasFiles = turn['cert_file'] !== undefined && turn['key_file'] !== undefined;
    if (turn['tls_port'] !== undefined && turn['external_tls'] !== true && !hasFiles)
      findings.push('turn.tls_port needs turn.cert_file and turn.key_file, or turn.external_tls.');
  }
  return findings.map((message) => ({ line: null, message }));
}
