import { Type } from 'typebox';
import {
  ClusterInfo,
  ClusterNode,
  ClusterSettings,
  CreatedJoinCode,
  DeletedJoinCode,
  DeletedNode,
  HeartbeatAnswer,
  HeartbeatBody,
  JoinAnswer,
  JoinBody,
  JoinCode,
  JoinCodeBody,
  JoinCodeParams,
  LeaveBody,
  NodeParams,
  NodesQuery,
  NodeUpgrade,
  PatchClusterSettingsBody,
  PatchNodeBody,
  PlacementPreview,
  PlacementQuery,
} from '../schema/cluster.ts';
import { envelope, object } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Cluster';

export const joinCluster = operation({
  id: 'joinCluster',
  method: 'POST',
  path: '/cluster/join',
  tag,
  summary: 'Register an edge node or update its entry',
  description:
    '`X-Cluster-Token` is a join code, the cluster token, or the node’s own credential. Idempotent by `name`: returns 201 for a new node and 200 for a known one, and keeps the status that the operator set. While a node with its own credential is alive, only that credential can update its entry.',
  access: 'cluster-token',
  body: JoinBody,
  createdPath: '/cluster/nodes/{nodeId}',
  responses: { 201: envelope(JoinAnswer), 200: envelope(JoinAnswer) },
  errors: [
    'CLUSTER_DISABLED',
    'CLUSTER_TOKEN_INVALID',
    'NODE_CREDENTIAL_INVALID',
    'NODE_REMOVED',
    'NODE_DISABLED',
    'NODE_NAME_RESERVED',
    'NODE_NAME_IN_USE',
    'NODE_ADDRESS_IN_USE',
    'NODE_DUPLICATED',
    'JOIN_CODE_INVALID',
    'JOIN_CODE_NAME',
    'RATE_LIMITED',
  ],
});

export const sendHeartbeat = operation({
  id: 'sendHeartbeat',
  method: 'POST',
  path: '/cluster/heartbeat',
  tag,
  summary: 'Send a node’s heartbeat',
  description:
    'An agent sends the node’s own credential and `agent`. The answer then contains the state that the agent must apply.',
  access: 'cluster-token',
  body: HeartbeatBody,
  responses: { 200: envelope(HeartbeatAnswer) },
  errors: [
    'CLUSTER_DISABLED',
    'CLUSTER_TOKEN_INVALID',
    'NODE_CREDENTIAL_INVALID',
    'NODE_CREDENTIAL_REQUIRED',
    'NODE_REMOVED',
    'NODE_NOT_FOUND',
    'NODE_DUPLICATED',
    'STATS_TOO_LARGE',
    'RATE_LIMITED',
  ],
});

export const leaveCluster = operation({
  id: 'leaveCluster',
  method: 'POST',
  path: '/cluster/leave',
  tag,
  summary: 'Remove the calling node from the registry',
  description: 'Called when the agent is uninstalled. Needs the node’s own credential.',
  access: 'cluster-token',
  body: LeaveBody,
  responses: { 200: envelope(DeletedNode) },
  errors: [
    'CLUSTER_DISABLED',
    'CLUSTER_TOKEN_INVALID',
    'NODE_CREDENTIAL_INVALID',
    'NODE_CREDENTIAL_REQUIRED',
    'NODE_REMOVED',
    'NODE_NOT_FOUND',
    'NODE_DUPLICATED',
    'RATE_LIMITED',
  ],
});

export const getClusterInfo = operation({
  id: 'getClusterInfo',
  method: 'GET',
  path: '/cluster/info',
  tag,
  summary: 'Get the cluster’s state and the command that adds a node',
  access: 'global',
  revealsSecret: true,
  responses: { 200: envelope(ClusterInfo) },
});

export const createJoinCode = operation({
  id: 'createJoinCode',
  method: 'POST',
  path: '/cluster/join-codes',
  tag,
  summary: 'Create a join code',
  description: 'A short-lived credential that lets machines join as nodes. The code is shown only in this answer.',
  access: 'global',
  body: JoinCodeBody,
  bodyOptional: true,
  responses: { 201: envelope(CreatedJoinCode) },
  errors: ['CLUSTER_DISABLED', 'JOIN_CODE_LIMIT'],
  audit: 'join-code.create',
});

export const listJoinCodes = operation({
  id: 'listJoinCodes',
  method: 'GET',
  path: '/cluster/join-codes',
  tag,
  summary: 'List the valid join codes, newest first',
  access: 'global',
  responses: { 200: envelope(Type.Array(JoinCode)) },
});

export const revokeJoinCode = operation({
  id: 'revokeJoinCode',
  method: 'DELETE',
  path: '/cluster/join-codes/{id}',
  tag,
  summary: 'Revoke a join code',
  description: 'Takes effect immediately. Machines that already joined stay nodes.',
  access: 'global',
  params: JoinCodeParams,
  responses: { 200: envelope(DeletedJoinCode) },
  errors: ['JOIN_CODE_NOT_FOUND'],
  audit: 'join-code.revoke',
});

export const listNodes = operation({
  id: 'listNodes',
  method: 'GET',
  path: '/cluster/nodes',
  tag,
  summary: 'List the nodes, oldest first',
  access: 'global',
  query: NodesQuery,
  responses: { 200: envelope(Type.Array(ClusterNode)) },
});

export const getNode = operation({
  id: 'getNode',
  method: 'GET',
  path: '/cluster/nodes/{id}',
  tag,
  summary: 'Get one node',
  access: 'global',
  params: NodeParams,
  responses: { 200: envelope(ClusterNode) },
  errors: ['NODE_NOT_FOUND'],
});

export const updateNode = operation({
  id: 'updateNode',
  method: 'PATCH',
  path: '/cluster/nodes/{id}',
  tag,
  summary: 'Change a node’s name, region or status',
  description:
    '`draining` empties the node in steps, shown in `drain`. `active` returns it to service and starts LiveKit. `disabled` stops LiveKit immediately and rejects the node’s requests for credentials. Without an agent, only the status changes.',
  access: 'global',
  params: NodeParams,
  body: PatchNodeBody,
  bodyOptional: true,
  responses: { 200: envelope(ClusterNode) },
  errors: ['NODE_NOT_FOUND', 'NODE_NAME_TAKEN', 'NODE_NAME_RESERVED', 'DRAIN_CONFIRMATION_REQUIRED'],
  audit: 'node.update',
});

export const upgradeNode = operation({
  id: 'upgradeNode',
  method: 'POST',
  path: '/cluster/nodes/{id}/upgrade',
  tag,
  summary: 'Let a node’s agent become the one that this daemon serves',
  description:
    'With its next heartbeat the agent downloads the file, checks its checksum and starts it. If the new agent isn’t answered within a minute, the old one continues and says why in `agent.upgradeProblem`. LiveKit and its rooms are not touched.',
  access: 'global',
  params: NodeParams,
  responses: { 202: envelope(NodeUpgrade) },
  errors: ['NODE_NOT_FOUND', 'NODE_HAS_NO_AGENT', 'AGENT_UNAVAILABLE'],
  audit: 'node.upgrade',
});

export const deleteNode = operation({
  id: 'deleteNode',
  method: 'DELETE',
  path: '/cluster/nodes/{id}',
  tag,
  summary: 'Remove a node from the registry',
  description:
    'Also revokes the node’s credential. An agent that still reports is told to shut LiveKit down gracefully and exit. The node can come back only by joining again.',
  access: 'global',
  params: NodeParams,
  responses: { 200: envelope(DeletedNode) },
  errors: ['NODE_NOT_FOUND'],
  audit: 'node.delete',
});

export const getClusterSettings = operation({
  id: 'getClusterSettings',
  method: 'GET',
  path: '/cluster/settings',
  tag,
  summary: 'Get the placement policy for rooms',
  access: 'global',
  responses: { 200: envelope(ClusterSettings) },
});

export const updateClusterSettings = operation({
  id: 'updateClusterSettings',
  method: 'PATCH',
  path: '/cluster/settings',
  tag,
  summary: 'Change the placement policy for rooms',
  access: 'global',
  body: PatchClusterSettingsBody,
  responses: { 200: envelope(ClusterSettings) },
  audit: 'cluster.settings',
});

export const previewPlacement = operation({
  id: 'previewPlacement',
  method: 'GET',
  path: '/cluster/placement',
  tag,
  summary: 'Preview which node would get the next room, and why',
  access: 'global',
  query: PlacementQuery,
  responses: { 200: envelope(PlacementPreview) },
});

export const getInstallScript = operation({
  id: 'getInstallScript',
  method: 'GET',
  path: '/install.sh',
  root: true,
  tag,
  summary: 'Get the script that turns a machine into an edge node',
  description: 'Contains no secret. The join command passes a join code to it.',
  access: 'public',
  responses: { 200: Type.String() },
  errors: ['AGENT_UNAVAILABLE'],
  produces: 'text/x-shellscript; charset=utf-8',
});

export const getEdgeAgent = operation({
  id: 'getEdgeAgent',
  method: 'GET',
  path: '/install/{sha256}/streamhub-edge.mjs',
  root: true,
  tag,
  summary: 'Get the edge agent, one file for Node 24',
  description: 'The install script requests it by checksum and verifies it.',
  access: 'public',
  params: object({ sha256: Type.String() }),
  responses: { 200: Type.String() },
  errors: ['AGENT_UNAVAILABLE', 'AGENT_CHANGED'],
  produces: 'text/javascript; charset=utf-8',
});
