import { type Static, Type } from 'typebox';
import { JOIN_CODE_SECONDS, MAX_STATS_BYTES, NODE_STALE_SECONDS } from '../limits.ts';
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
const Region = Type.String({ maxLength: 64, description: 'Where the machine stands; empty clears it.' });
const Count = Type.Integer({ minimum: 0, maximum: MAX_INTEGER });
/** Tells two machines with one identity apart, such as a cloned disk. */
const Instance = Type.String({
  minLength: 8,
  maxLength: 64,
  description: 'Id of the running machine: two machines with the same disk send different ones.',
});

// --- an edge node's own calls -------------------------------------------------

export const JoinBody = object({
  name: NodeName,
  ip: Type.String({ maxLength: 64, description: 'Address of the machine, IPv4 or IPv6.', examples: ['203.0.113.10'] }),
  region: Type.Optional(Region),
  url: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Public address; a ws:// or wss:// one is handed to clients. Default: ip.',
    }),
  ),
  instance: Type.Optional(Instance),
});
export type JoinBody = Static<typeof JoinBody>;

export const JoinAnswer = object({
  nodeId: Type.String(),
  name: Type.String(),
  redisUrl: nullable(Type.String(), { description: 'Redis that all LiveKit nodes share; null = not configured.' }),
  publicWsUrl: nullable(Type.String()),
  livekit: object({ apiKey: Type.String(), apiSecret: Type.String(), wsUrl: Type.String() }),
  nodeToken: Type.String({
    description:
      'The node’s own credential for `X-Cluster-Token`, shown once. From its first use on, the shared token no longer speaks for this node. A further join replaces it.',
  }),
  heartbeatSeconds: Type.Integer({ description: 'How often the node is expected to report.' }),
});
export type JoinAnswer = Static<typeof JoinAnswer>;

const LIVEKIT_STATES = ['starting', 'running', 'draining', 'stopping', 'stopped', 'failed'] as const;
export type LivekitState = (typeof LIVEKIT_STATES)[number];

/** What an agent says of the LiveKit server that it looks after. */
export const LivekitReport = object({
  state: oneOf(LIVEKIT_STATES, { description: '`draining`: told to leave, still holding rooms.' }),
  nodeId: nullable(Type.String({ maxLength: 64 }), { description: 'LiveKit’s id of this node, new with each start.' }),
  url: Type.Optional(
    Type.String({ maxLength: 255, description: 'Where clients reach it, as far as the agent knows.' }),
  ),
  rooms: nullable(Count, { description: 'Rooms that live on this node.' }),
  participants: nullable(Count, { description: 'Participants of those rooms.' }),
  clients: nullable(Count, { description: 'Clients whose signalling enters through this node.' }),
  foreignClients: nullable(Count, {
    description: 'Those of them whose room lives on another node: they would be cut off with this one.',
  }),
  problem: Type.Optional(Type.String({ maxLength: 500, description: 'Why it does not run.' })),
});
export type LivekitReport = Static<typeof LivekitReport>;

export const AgentReport = object({
  version: Type.String({ maxLength: 32 }),
  supervisor: oneOf(['systemd', 'child'], { description: 'Who keeps LiveKit running on the machine.' }),
  livekit: LivekitReport,
});
export type AgentReport = Static<typeof AgentReport>;

export const HeartbeatBody = object({
  nodeId: Type.String({ minLength: 1, maxLength: 64 }),
  stats: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: `Any numbers worth showing, at most ${MAX_STATS_BYTES} bytes of JSON; replaces the stored ones.`,
    }),
  ),
  agent: Type.Optional(AgentReport),
  instance: Type.Optional(Instance),
});
export type HeartbeatBody = Static<typeof HeartbeatBody>;

/** What the node's LiveKit is to do. */
export const DesiredState = object({
  livekit: oneOf(['running', 'draining', 'stopped'], {
    description: '`draining`: leave in order. `stopped`: end at once, rooms or not.',
  }),
  endRoomsInSeconds: nullable(Type.Number(), {
    description: 'When draining: after this time rooms that are left are ended; null = wait as long as it takes.',
  }),
});
export type DesiredState = Static<typeof DesiredState>;

export const HeartbeatAnswer = object({
  ok: Type.Literal(true),
  desired: Type.Optional(DesiredState),
  heartbeatSeconds: Type.Optional(Type.Integer()),
});
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;

export const LeaveBody = object({
  nodeId: Type.String({ minLength: 1, maxLength: 64 }),
  instance: Type.Optional(Instance),
});
export type LeaveBody = Static<typeof LeaveBody>;

// --- the operator's view ------------------------------------------------------

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
      '`mark`: no agent is behind the node, nothing but the mark happens. `requested`: no new address is handed out; the agent has not answered yet. `clients`: waiting until no client of a room elsewhere signals through the node. `rooms`: LiveKit was told to leave; it takes no new room and goes when the last participant has left. `drained`: its process has left.',
  }),
  managed: Type.Boolean({ description: 'An agent carries the draining out.' }),
  drained: Type.Boolean(),
  started_at: Instant,
  drained_at: nullable(Instant),
  ends_rooms_at: nullable(Instant, { description: 'When rooms that are left are ended; null = never.' }),
  clients: nullable(Count, { description: 'Clients of rooms elsewhere whose signalling still enters here.' }),
  rooms: nullable(Count),
  participants: nullable(Count),
  note: Type.String({ description: 'The state in one sentence.' }),
});
export type NodeDrain = Static<typeof NodeDrain>;

const NodeAgent = object({
  version: Type.String(),
  supervisor: oneOf(['systemd', 'child']),
  livekit: LivekitReport,
});

export const ClusterNode = object({
  id: Type.String(),
  name: Type.String(),
  url: Type.String(),
  ip: nullable(Type.String()),
  region: nullable(Type.String()),
  status: oneOf(NODE_STATUSES),
  created_at: Instant,
  last_seen_at: nullable(Instant),
  stats: nullable(Type.Object({}, { additionalProperties: true }), {
    description: 'As last reported. The agent of this project sends `AgentStats`.',
  }),
  stale: Type.Boolean({
    description: `Never seen, or not within STREAMHUB_CLUSTER_STALE_S, ${NODE_STALE_SECONDS} s by default.`,
  }),
  health: oneOf(NODE_HEALTH, {
    description:
      '`joining`: joined within the stale limit, no heartbeat yet. `down`: stale for long. `never`: no heartbeat since it joined.',
  }),
  agent: nullable(NodeAgent, { description: 'What looks after LiveKit there; null = nothing that reports.' }),
  drain: nullable(NodeDrain, { description: 'Present while the status is `draining`.' }),
  duplicate: nullable(
    object({
      address: Type.String({ description: 'Where the refused reports come from.' }),
      last_seen_at: Instant,
    }),
    { description: 'A second machine that reports with the identity of this node, and is refused; null = none.' },
  ),
});
export type ClusterNode = Static<typeof ClusterNode>;

export const NodeParams = object({ id: Type.String({ description: 'Id of the node.' }) });

export const NodesQuery = object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: 'At most so many nodes. Default: all.' }),
  ),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MAX_INTEGER, description: 'Nodes to leave out at the front.' }),
  ),
});

export const PatchNodeBody = object({
  name: Type.Optional(NodeName),
  region: Type.Optional(Region),
  status: Type.Optional(oneOf(NODE_STATUSES)),
  drain: Type.Optional(
    object(
      {
        endRoomsAfterSeconds: nullable(Type.Integer({ minimum: 0, maximum: 604_800 }), {
          description: 'End rooms that are left after this time; 0 = now; null = never.',
        }),
        confirm: Type.Optional(
          Type.Boolean({ description: 'Must be true to end rooms: their participants are disconnected.' }),
        ),
      },
      { description: 'Only with status `draining`; may be sent again to change it.' },
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
  name: nullable(Type.String(), { description: 'The only node name that it is good for; null = any.' }),
  uses: Type.Integer({ description: 'How many machines can join with it in all.' }),
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
    description: 'To be run on the new machine; contains the code. Empty while the address of the daemon is unknown.',
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
  clusterToken: Type.String({ description: 'Shown on purpose: the operator copies it.', 'x-secret': true }),
  clusterRedisUrl: nullable(Type.String()),
  joinCommand: Type.String({
    description:
      'To be run on the new machine. It contains a join code for one machine, valid for an hour at most; empty while clustering is off.',
    'x-secret': true,
  }),
  notes: Type.Array(Type.String(), { description: 'What keeps the command from working on another machine.' }),
  staleAfterSeconds: Type.Integer({ description: 'Silence after which a node counts as stale.' }),
  downAfterSeconds: Type.Integer({ description: 'Silence after which a node counts as down.' }),
  heartbeatSeconds: Type.Integer({ description: 'How often an agent is asked to report.' }),
});
export type ClusterInfo = Static<typeof ClusterInfo>;

// --- placement ------------------------------------------------------------------

export const PLACEMENT_STRATEGIES = ['least-load', 'fewest-rooms', 'same-region', 'spread'] as const;
export type PlacementStrategy = (typeof PLACEMENT_STRATEGIES)[number];

export const ClusterSettings = object({
  strategy: oneOf(PLACEMENT_STRATEGIES, {
    description:
      'Where rooms that do not exist yet are placed. `least-load`: lowest CPU, memory and traffic. `fewest-rooms`. `same-region`: a node of the caller’s region first, among those the least loaded. `spread`: the node that waited longest.',
  }),
});
export type ClusterSettings = Static<typeof ClusterSettings>;
export const PatchClusterSettingsBody = Type.Partial(ClusterSettings, { additionalProperties: false });

export const PlacementQuery = object({
  region: Type.Optional(
    Type.String({ maxLength: 64, description: 'Region to prefer, as a join token would carry it.' }),
  ),
});

export const PlacementCandidate = object({
  id: Type.String(),
  name: Type.String(),
  region: nullable(Type.String()),
  eligible: Type.Boolean(),
  rank: nullable(Type.Integer(), { description: '1 = would be next; null = not eligible.' }),
  load: nullable(Type.Number(), { description: 'Of CPU, memory: the higher, 0..1.' }),
  rooms: nullable(Count),
  participants: nullable(Count),
  reason: Type.String({ description: 'Why it stands where it stands.' }),
});
export type PlacementCandidate = Static<typeof PlacementCandidate>;

export const PlacementPreview = object({
  strategy: oneOf(PLACEMENT_STRATEGIES),
  next: nullable(object({ id: Type.String(), name: Type.String(), address: Type.String() }), {
    description: 'Where the next room would be placed; null = LiveKit chooses by itself.',
  }),
  reason: Type.String(),
  nodes: Type.Array(PlacementCandidate),
});
export type PlacementPreview = Static<typeof PlacementPreview>;

// --- stats of this project's agent --------------------------------------------

const num = (description: string) => Type.Optional(Type.Number({ description }));

/** What the edge agent sends as `stats`; every part that cannot be told is absent. */
export const AgentStats = object({
  role: oneOf(['edge', 'origin']),
  cores: num('Logical processors.'),
  loadavg1: num('Load average of the last minute.'),
  cpu: num('Share of processor time in use, 0..1.'),
  memTotal: num('Bytes.'),
  memFree: num('Bytes that programs could still take.'),
  memUsedRatio: num('0..1.'),
  uptimeSeconds: num('Of the machine.'),
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
    }),
  ),
});
export type AgentStats = Static<typeof AgentStats>;
