import { type Static, type TNumber, Type } from 'typebox';
import { JOIN_CODE_SECONDS, MAX_LIVEKIT_SETTINGS, MAX_STATS_BYTES, NODE_STALE_SECONDS } from '../limits.ts';
import { NODE_FIGURES, type QualityMeasure } from '../rules/node-figures.ts';
import { Instant, MAX_INTEGER, nullable, object, oneOf } from './common.ts';

export const NODE_NAME_PATTERN = '^[a-zA-Z0-9._-]+$';
/** Id, name and region of the daemon's own machine. */
export const ORIGIN = 'origin';

const NodeName = Type.String({
  pattern: NODE_NAME_PATTERN,
  minLength: 1,
  maxLength: 64,
  description: 'Name of the machine, unique in the cluster.',
  examples: ['edge-fra-1'],
});
const Region = Type.String({ maxLength: 64, description: 'Location of the machine. An empty text clears it.' });
const Count = Type.Integer({ minimum: 0, maximum: MAX_INTEGER });
/** Tells two machines with one identity apart, such as a cloned disk. */
const Instance = Type.String({
  minLength: 8,
  maxLength: 64,
  description: 'Id of the running machine. Two machines with copied disks send different ids.',
});

// --- an edge node's own calls -------------------------------------------------

export const JoinBody = object({
  name: NodeName,
  ip: Type.String({ maxLength: 64, description: 'Address of the machine, IPv4 or IPv6.', examples: ['203.0.113.10'] }),
  region: Type.Optional(Region),
  url: Type.Optional(
    Type.String({
      maxLength: 255,
      description:
        'Public address: ws, wss, http or https with a host, or an IP address. Clients get the one with a scheme, as ws:// or wss://. Default: the one that the node named before, else ip.',
    }),
  ),
  instance: Type.Optional(Instance),
});
export type JoinBody = Static<typeof JoinBody>;

export const JoinAnswer = object({
  nodeId: Type.String(),
  name: Type.String(),
  redisUrl: nullable(Type.String(), { description: 'Redis that all LiveKit nodes share; null: not configured.' }),
  publicWsUrl: nullable(Type.String()),
  livekit: object({ apiKey: Type.String(), apiSecret: Type.String(), wsUrl: Type.String() }),
  nodeToken: Type.String({
    description:
      'The node’s own credential for `X-Cluster-Token`, shown only in this answer. After its first use the shared token no longer works for this node. Joining again replaces it.',
  }),
  heartbeatSeconds: Type.Integer({ description: 'Expected interval between heartbeats.' }),
});
export type JoinAnswer = Static<typeof JoinAnswer>;

const LIVEKIT_STATES = ['starting', 'running', 'draining', 'stopping', 'stopped', 'failed'] as const;
export type LivekitState = (typeof LIVEKIT_STATES)[number];

/** What an agent says of the LiveKit server that it looks after. */
export const LivekitReport = object({
  state: oneOf(LIVEKIT_STATES, {
    title: 'NodeLiveKitState',
    description: '`draining`: told to shut down, but still has rooms.',
  }),
  nodeId: nullable(Type.String({ maxLength: 64 }), {
    description: 'LiveKit’s id of this node; changes with each start.',
  }),
  url: Type.Optional(Type.String({ maxLength: 255, description: 'Address for clients, as far as the agent knows.' })),
  rooms: nullable(Count, { description: 'Rooms hosted on this node.' }),
  participants: nullable(Count, { description: 'Participants in those rooms.' }),
  clients: nullable(Count, { description: 'Clients whose signaling connection enters through this node.' }),
  foreignClients: nullable(Count, {
    description:
      'Of these, the clients whose room is hosted on another node. They would be disconnected together with this node.',
  }),
  problem: Type.Optional(Type.String({ maxLength: 500, description: 'Why LiveKit isn’t running.' })),
});
export type LivekitReport = Static<typeof LivekitReport>;

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** The agent that a node is to run. */
export const AgentUpgrade = object({
  id: Type.String({ maxLength: 64 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the file, hex. The daemon serves it.' }),
});
export type AgentUpgrade = Static<typeof AgentUpgrade>;

export const AgentUpgradeProblem = object({
  id: Type.String({ maxLength: 64, description: 'Of the upgrade that was taken back.' }),
  reason: Type.String({ maxLength: 200 }),
});
export type AgentUpgradeProblem = Static<typeof AgentUpgradeProblem>;
/** LiveKit's own settings, for a node to write into its configuration. */
const NodeKeys = object({
  accepted: Type.Array(object({ key: Type.String({ maxLength: 255 }), secret: Type.String({ maxLength: 1024 }) }), {
    maxItems: 4,
  }),
  webhookKey: Type.String({ maxLength: 255, description: 'LiveKit signs its webhooks with it.' }),
  removed: Type.Array(Digest, { maxItems: 20, description: 'SHA-256 of each `key:secret` that is accepted no more.' }),
});
export type NodeKeys = Static<typeof NodeKeys>;

export const NodeSettings = object({
  revision: Type.Integer({ minimum: 0, description: '0 = none were set.' }),
  text: Type.String({ maxLength: MAX_LIVEKIT_SETTINGS, description: 'YAML, with LiveKit’s own names.' }),
  keys: Type.Optional(NodeKeys),
});
export type NodeSettings = Static<typeof NodeSettings>;

export const AgentReport = object({
  sha256: Type.Optional(Digest),
  upgradeProblem: Type.Optional(AgentUpgradeProblem),
  version: Type.String({ maxLength: 32 }),
  supervisor: oneOf(['systemd', 'child'], {
    title: 'NodeSupervisor',
    description: 'What runs LiveKit on the machine.',
  }),
  livekit: LivekitReport,
  settings: Type.Optional(
    object(
      {
        written: Type.Integer({ minimum: 0, maximum: MAX_INTEGER, description: 'In its configuration.' }),
        runs: Type.Integer({ minimum: 0, maximum: MAX_INTEGER, description: 'With which its process was started.' }),
        keys: Type.Optional(
          Type.Array(Digest, {
            maxItems: 20,
            description: 'SHA-256 of each `key:secret` in its configuration. Absent: the agent can’t write keys.',
          }),
        ),
      },
      { description: 'Revisions of LiveKit’s own settings; 0 = none. Absent: the agent can’t write them.' },
    ),
  ),
  keys: Type.Optional(
    Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), {
      maxItems: 20,
      description: 'SHA-256 of each `key:secret` that LiveKit was started with, in hex.',
    }),
  ),
});
export type AgentReport = Static<typeof AgentReport>;

const Target = {
  host: Type.String({ minLength: 1, maxLength: 255 }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
};

/** Addresses that a node is to connect to, for a check of the installation. */
export const Look = object({
  id: Type.String({ maxLength: 64 }),
  targets: Type.Array(object(Target), { maxItems: 8 }),
});
export type Look = Static<typeof Look>;

export const Looked = object({
  id: Type.String({ maxLength: 64, description: 'Of the `look` in an earlier answer.' }),
  results: Type.Array(
    object({
      ...Target,
      problem: nullable(Type.String({ maxLength: 200 }), { description: 'Null: the node could connect.' }),
    }),
    { maxItems: 8 },
  ),
});
export type Looked = Static<typeof Looked>;

export const HeartbeatBody = object({
  nodeId: Type.String({ minLength: 1, maxLength: 64 }),
  stats: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: `Any metrics, as JSON of at most ${MAX_STATS_BYTES} bytes; replaces the stored ones.`,
    }),
  ),
  agent: Type.Optional(AgentReport),
  instance: Type.Optional(Instance),
  looked: Type.Optional(Looked),
});
export type HeartbeatBody = Static<typeof HeartbeatBody>;

/** What the node's LiveKit is to do. */
export const DesiredState = object({
  livekit: oneOf(['running', 'draining', 'stopped'], {
    description: '`draining`: shut down gracefully. `stopped`: stop immediately, even with open rooms.',
  }),
  endRoomsInSeconds: nullable(Type.Number(), {
    description: 'When draining: remaining rooms are ended after this time; null: wait without a limit.',
  }),
});
export type DesiredState = Static<typeof DesiredState>;

export const HeartbeatAnswer = object({
  ok: Type.Literal(true),
  desired: Type.Optional(DesiredState),
  heartbeatSeconds: Type.Optional(Type.Integer()),
  look: Type.Optional(Look),
  upgrade: Type.Optional(AgentUpgrade),
  settings: Type.Optional(
    object({
      ...NodeSettings.properties,
      restart: Type.Boolean({ description: 'Restart LiveKit when its last room has ended.' }),
    }),
  ),
});
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;

export const LeaveBody = object({
  nodeId: Type.String({ minLength: 1, maxLength: 64 }),
  instance: Type.Optional(Instance),
});
export type LeaveBody = Static<typeof LeaveBody>;

// --- the operator's view ------------------------------------------------------

export const NodeUpgrade = object({
  sha256: Type.String({ description: 'Of the agent that the node is to run.' }),
  version: Type.String(),
  isCurrent: Type.Boolean({ description: 'The node reported that agent already.' }),
});

const NODE_STATUSES = ['active', 'draining', 'disabled'] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];
const NODE_HEALTH = ['alive', 'joining', 'stale', 'down', 'never'] as const;
export type NodeHealth = (typeof NODE_HEALTH)[number];
const DRAIN_PHASES = ['mark', 'requested', 'clients', 'rooms', 'drained'] as const;
export type DrainPhase = (typeof DRAIN_PHASES)[number];

/** How far the draining of a node has come. */
export const NodeDrain = object({
  phase: oneOf(DRAIN_PHASES, {
    description:
      '`mark`: the node has no agent, so only its status changes. `requested`: clients get other addresses; the agent has not responded yet. `clients`: waiting for clients that signal through this node to rooms on other nodes. `rooms`: LiveKit was told to shut down; it accepts no new rooms and exits after the last participant leaves. `drained`: LiveKit has exited.',
  }),
  managed: Type.Boolean({ description: 'An agent does the draining.' }),
  drained: Type.Boolean(),
  started_at: Instant,
  drained_at: nullable(Instant),
  ends_rooms_at: nullable(Instant, { description: 'When the remaining rooms are ended; null: never.' }),
  clients: nullable(Count, { description: 'Clients of rooms on other nodes whose signaling still enters here.' }),
  rooms: nullable(Count),
  participants: nullable(Count),
  note: Type.String({ description: 'The progress in one sentence.' }),
});
export type NodeDrain = Static<typeof NodeDrain>;

const NodeAgent = object(
  {
    version: Type.String(),
    sha256: Type.Optional(Type.String({ description: 'Of the agent’s file. Older agents don’t say it.' })),
    upgradeProblem: Type.Optional(AgentUpgradeProblem),
    supervisor: oneOf(['systemd', 'child']),
    livekit: LivekitReport,
  },
  { title: 'NodeAgent' },
);

export const ClusterNode = object(
  {
    id: Type.String(),
    name: Type.String(),
    url: Type.String(),
    ip: nullable(Type.String()),
    region: nullable(Type.String()),
    status: oneOf(NODE_STATUSES, { title: 'NodeStatus' }),
    created_at: Instant,
    last_seen_at: nullable(Instant),
    stats: nullable(Type.Object({}, { additionalProperties: true }), {
      description: 'As last reported. StreamHub’s agent sends `AgentStats`.',
    }),
    stale: Type.Boolean({
      description: `No heartbeat within STREAMHUB_CLUSTER_STALE_S (default ${NODE_STALE_SECONDS} s), or none ever.`,
    }),
    health: oneOf(NODE_HEALTH, {
      title: 'NodeHealth',
      description:
        '`joining`: joined recently, no heartbeat yet. `down`: stale for a long time. `never`: no heartbeat since it joined.',
    }),
    agent: nullable(NodeAgent, { description: 'What runs LiveKit there; null: no agent reports.' }),
    livekit_keys: nullable(oneOf(['current', 'old'], { title: 'NodeLiveKitKeys' }), {
      description:
        '`old`: LiveKit there was started with other keys than the daemon uses now. Run the join command on it again, then drain and activate it. Null: unknown.',
    }),
    drain: nullable(NodeDrain, { description: 'Present while the status is `draining`.' }),
    duplicate: nullable(
      object(
        {
          address: Type.String({ description: 'Where the rejected heartbeats come from.' }),
          last_seen_at: Instant,
        },
        { title: 'NodeDuplicate' },
      ),
      { description: 'A second machine that sends heartbeats as this node and is rejected; null: none.' },
    ),
  },
  { title: 'Node' },
);
export type ClusterNode = Static<typeof ClusterNode>;

export const NodeParams = object({ id: Type.String({ description: 'Id of the node.' }) });

export const NodesQuery = object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: 'Maximum number of nodes to return. Default: all.' }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_INTEGER, description: 'Number of nodes to skip.' })),
});

export const PatchNodeBody = object({
  name: Type.Optional(NodeName),
  region: Type.Optional(Region),
  status: Type.Optional(oneOf(NODE_STATUSES)),
  drain: Type.Optional(
    object(
      {
        endRoomsAfterSeconds: nullable(Type.Integer({ minimum: 0, maximum: 604_800 }), {
          description: 'End the remaining rooms after this time; 0: now; null: never.',
        }),
        confirm: Type.Optional(
          Type.Boolean({ description: 'Must be true to end rooms, because their participants are disconnected.' }),
        ),
      },
      { description: 'Only with status `draining`. Send it again to change it.' },
    ),
  ),
});
export type PatchNodeBody = Static<typeof PatchNodeBody>;

// --- join codes -----------------------------------------------------------------

export const JoinCodeBody = object({
  name: Type.Optional(NodeName),
  ttlSeconds: Type.Optional(
    Type.Integer({
      minimum: 60,
      maximum: 604_800,
      default: JOIN_CODE_SECONDS,
      description: 'How long the code is valid.',
    }),
  ),
  uses: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'How many machines can join with it.' }),
  ),
});
export type JoinCodeBody = Static<typeof JoinCodeBody>;

export const JoinCode = object({
  id: Type.String(),
  name: nullable(Type.String(), { description: 'The only node name that can join with it; null: any.' }),
  uses: Type.Integer({ description: 'Total number of machines that can join with it.' }),
  usesLeft: Type.Integer(),
  created_at: Instant,
  expires_at: Instant,
  created_by: Type.String({ description: 'Who created it.' }),
});
export type JoinCode = Static<typeof JoinCode>;

export const CreatedJoinCode = object({
  ...JoinCode.properties,
  code: Type.String({ description: 'Shown only in this answer.', 'x-secret': true }),
  joinCommand: Type.String({
    description: 'Run it on the new machine. It contains the code. Empty while the daemon’s address is unknown.',
    'x-secret': true,
  }),
  notes: Type.Array(Type.String(), { description: 'What keeps the command from working on another machine.' }),
});
export type CreatedJoinCode = Static<typeof CreatedJoinCode>;

export const JoinCodeParams = object({ id: Type.String({ description: 'Id of the join code.' }) });
export const DeletedJoinCode = object({ id: Type.String(), deleted: Type.Literal(true) });

export const DeletedNode = object({ id: Type.String(), deleted: Type.Literal(true) });

export const ClusterInfo = object({
  enabled: Type.Boolean(),
  nodesCount: Type.Integer(),
  clusterToken: Type.String({ description: 'Not masked, so that you can copy it.', 'x-secret': true }),
  clusterRedisUrl: nullable(Type.String()),
  joinCommand: Type.String({
    description:
      'Run it on the new machine. It contains a join code for one machine that is valid for up to one hour. Empty while clustering is off.',
    'x-secret': true,
  }),
  notes: Type.Array(Type.String(), { description: 'What keeps the command from working on another machine.' }),
  staleAfterSeconds: Type.Integer({ description: 'Time without a heartbeat after which a node is stale.' }),
  downAfterSeconds: Type.Integer({ description: 'Time without a heartbeat after which a node is down.' }),
  heartbeatSeconds: Type.Integer({ description: 'Interval at which agents should report.' }),
});
export type ClusterInfo = Static<typeof ClusterInfo>;

// --- placement ------------------------------------------------------------------

export const PLACEMENT_STRATEGIES = ['least-load', 'fewest-rooms', 'same-region', 'spread'] as const;
export type PlacementStrategy = (typeof PLACEMENT_STRATEGIES)[number];

export const ClusterSettings = object({
  strategy: oneOf(PLACEMENT_STRATEGIES, {
    title: 'PlacementStrategy',
    description:
      'Where new rooms are placed. `least-load`: the lowest load, which is the higher of CPU and memory use. `fewest-rooms`. `same-region`: the least loaded node in the caller’s region if there is one. `spread`: the node that has waited longest.',
  }),
});
export type ClusterSettings = Static<typeof ClusterSettings>;
export const PatchClusterSettingsBody = Type.Partial(ClusterSettings, { additionalProperties: false });

export const PlacementQuery = object({
  region: Type.Optional(Type.String({ maxLength: 64, description: 'Region to prefer, as in a join token.' })),
});

export const PlacementCandidate = object({
  id: Type.String(),
  name: Type.String(),
  region: nullable(Type.String()),
  eligible: Type.Boolean(),
  rank: nullable(Type.Integer(), { description: '1: next; null: not eligible.' }),
  load: nullable(Type.Number(), {
    description:
      'The higher of CPU and memory use, and what was just placed there, 0..1; null: CPU use isn’t reported.',
  }),
  rooms: nullable(Count),
  participants: nullable(Count),
  reason: Type.String({ description: 'The reason for its rank.' }),
});
export type PlacementCandidate = Static<typeof PlacementCandidate>;

export const PlacementPreview = object({
  strategy: oneOf(PLACEMENT_STRATEGIES),
  next: nullable(object({ id: Type.String(), name: Type.String(), address: Type.String() }), {
    description: 'Where the next room would be placed; null: LiveKit chooses.',
  }),
  reason: Type.String(),
  nodes: Type.Array(PlacementCandidate),
});
export type PlacementPreview = Static<typeof PlacementPreview>;

// --- stats of this project's agent --------------------------------------------

const num = (description: string) => Type.Optional(Type.Number({ description }));

const reported = Object.fromEntries(
  Object.entries(NODE_FIGURES)
    .filter(([measure]) => measure !== 'forward')
    .map(([measure, bounds]) => [measure, Type.Number({ minimum: 0, ...bounds })]),
) as Record<Exclude<QualityMeasure, 'forward'>, TNumber>;

/** What the edge agent sends as `stats`; every part that cannot be told is absent. */
export const AgentStats = object({
  role: oneOf(['edge', 'origin']),
  cores: num('Logical processors.'),
  loadavg1: num('Load average of the last minute.'),
  cpu: num('CPU use, 0..1.'),
  memTotal: num('Bytes.'),
  memFree: num('Memory that programs can still use, in bytes.'),
  memUsedRatio: num('0..1.'),
  uptimeSeconds: num('Traffic of the machine.'),
  net: Type.Optional(object({ rxBytesPerSecond: Type.Number(), txBytesPerSecond: Type.Number() })),
  disk: Type.Optional(object({ totalBytes: Type.Number(), freeBytes: Type.Number() })),
  gpu: Type.Optional(
    Type.Array(
      object({
        name: Type.String(),
        utilization: num('0..1.'),
        memoryUsedBytes: num('Bytes.'),
        memoryTotalBytes: num('Bytes.'),
        temperature: num('Degrees Celsius.'),
      }),
    ),
  ),
  livekit: Type.Optional(
    object({
      rooms: num('Rooms on this node.'),
      participants: num('Participants on this node.'),
      publishedTracks: num('Tracks published on this node.'),
      subscribedTracks: num('Tracks subscribed on this node.'),
      rxBytesPerSecond: num('Media received.'),
      txBytesPerSecond: num('Media sent.'),
      rxPacketsPerSecond: num('Media packets received.'),
      txPacketsPerSecond: num('Media packets sent.'),
      forwardLatencyMs: Type.Optional(
        num('How long LiveKit took to pass on a packet, on average of half a minute; absent while it passes on none.'),
      ),
      quality: Type.Optional(
        Type.Partial(object(reported), {
          additionalProperties: false,
          description: 'How well media travels through the node. A figure without a measurement is absent.',
        }),
      ),
    }),
  ),
});
export type AgentStats = Static<typeof AgentStats>;
