import type { FastifyInstance, FastifyRequest } from 'fastify';
import { addressKey, clientAddress } from '#daemon/platform/http/client-address.ts';
import { route } from '#daemon/platform/http/route.ts';
import { sendList } from '#daemon/platform/http/send-list.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';
import { VERSION } from '#daemon/platform/version.ts';
import * as contract from '#shared/contract/cluster.ts';
import { ApiError } from '#shared/errors.ts';
import { ClusterNode } from '#shared/schema/cluster.ts';
import { ok } from '#shared/schema/common.ts';
import type { AgentFile } from './agent-file.ts';
import { type ClusterCaller, clusterError } from './cluster-auth.ts';
import { joinCommand } from './join-command.ts';
import type { ClusterService } from './service.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls a route of the nodes; set by the cluster's gate. */
    clusterCaller: ClusterCaller;
  }
}

export function clusterRoutes(
  app: FastifyInstance,
  { cluster, settings, agentFile }: { cluster: ClusterService; settings: Settings; agentFile: AgentFile },
): void {
  void app.register(async (nodes) => nodeRoutes(nodes, cluster));

  const command = (request: FastifyRequest, code: () => string, name?: string) =>
    joinCommand({
      code,
      name: name ?? null,
      base: publicBase(settings),
      reachedAt: reachedAt(request),
      redisUrl: settings.clusterRedisUrl || null,
    });
  const infoCommand = (request: FastifyRequest) => {
    if (!cluster.isEnabled)
      return { joinCommand: '', notes: ['Set STREAMHUB_CLUSTER_TOKEN and restart the daemon to let nodes join.'] };
    const code = cluster.infoCode();
    return code === null
      ? { joinCommand: '', notes: ['No join code could be stored; see the log for the reason.'] }
      : command(request, () => code);
  };

  route(app, contract.createJoinCode, ({ body, actor, request, reply }) => {
    if (!cluster.isEnabled) throw clusterError('CLUSTER_DISABLED');
    const { code, record } = cluster.joinCodes.create(body, actor);
    reply.code(201);
    return ok({ ...record, code, ...command(request, () => code, body.name) });
  });
  route(app, contract.listJoinCodes, () => ok(cluster.joinCodes.list()));
  route(app, contract.revokeJoinCode, ({ params }) => {
    cluster.joinCodes.revoke(params.id);
    return ok({ id: params.id, deleted: true as const });
  });

  route(app, contract.getClusterInfo, ({ request }) => {
    return ok({
      enabled: cluster.isEnabled,
      nodesCount: cluster.nodes.size,
      clusterToken: settings.clusterToken,
      clusterRedisUrl: settings.clusterRedisUrl || null,
      ...infoCommand(request),
      staleAfterSeconds: cluster.timing.staleMs / 1000,
      downAfterSeconds: cluster.timing.downMs / 1000,
      heartbeatSeconds: cluster.timing.heartbeatSeconds,
    });
  });

  route(app, contract.listNodes, ({ query, reply }) => {
    const { offset = 0, limit } = query;
    const list = cluster.nodes.list().slice(offset, limit === undefined ? undefined : offset + limit);
    const records = list.values().map((node) => cluster.record(node));
    return sendList(reply, ClusterNode, records);
  });

  route(app, contract.getNode, ({ params }) => ok(cluster.record(cluster.require(params.id))));
  route(app, contract.updateNode, ({ params, body, actor }) => ok(cluster.update(params.id, body, actor)));
  route(app, contract.deleteNode, ({ params, actor }) => {
    cluster.remove(params.id, actor);
    return ok({ id: params.id, deleted: true as const });
  });

  route(app, contract.upgradeNode, async ({ params, audit }) => {
    const { name, agent } = cluster.require(params.id);
    if (agent === null) throw new ApiError('NODE_HAS_NO_AGENT', { name });
    const { sha256 } = await agentFile.get();
    audit({ target: name, after: { sha256 } });
    cluster.upgrades.ask(params.id, sha256);
    return ok({ sha256, version: VERSION, isCurrent: agent.sha256 === sha256 });
  });

  route(app, contract.getClusterSettings, () => ok(cluster.settings));
  route(app, contract.updateClusterSettings, ({ body, actor }) => ok(cluster.changeSettings(body, actor)));
  route(app, contract.previewPlacement, ({ query }) => ok(cluster.placement.preview(query)));
}

/** The routes that nodes call: the token is tested before the body is read. */
function nodeRoutes(app: FastifyInstance, cluster: ClusterService): void {
  app.decorateRequest('clusterCaller', 'shared');
  app.addHook('onRequest', async (request) => {
    const token = request.headers['x-cluster-token'];
    request.clusterCaller = cluster.auth.authenticate(typeof token === 'string' ? token : undefined, () =>
      addressKey(clientAddress(request)),
    );
  });

  route(app, contract.joinCluster, ({ body, request, reply }) => {
    const { answer, isNew } = cluster.join(request.clusterCaller, body, () => clientAddress(request));
    reply.code(isNew ? 201 : 200);
    return ok(answer);
  });

  route(app, contract.sendHeartbeat, ({ body, request }) => {
    const desired = cluster.heartbeat(request.clusterCaller, body, () => clientAddress(request));
    if (body.looked !== undefined) cluster.looks.told(body.nodeId, body.looked);
    const look = cluster.looks.of(body.nodeId);
    const upgrade = cluster.upgrades.of(body.nodeId, body.agent);
    const settings = body.agent?.settings === undefined ? undefined : cluster.settingsFor(body.nodeId);
    return ok({
      ok: true as const,
      ...(desired === undefined ? {} : { desired, heartbeatSeconds: cluster.timing.heartbeatSeconds }),
      ...(look === undefined ? {} : { look }),
      ...(upgrade === undefined ? {} : { upgrade }),
      ...(settings === undefined ? {} : { settings }),
    });
  });

  route(app, contract.leaveCluster, ({ body, request }) => {
    cluster.leave(request.clusterCaller, body, () => clientAddress(request));
    return ok({ id: body.nodeId, deleted: true as const });
  });
}

/** Routes at the server's root, for machines that are to become nodes. */
export function clusterRootRoutes(app: FastifyInstance, { agentFile }: { agentFile: AgentFile }): void {
  route(app, contract.getInstallScript, async ({ reply }) => {
    const { script } = await agentFile.get();
    return reply.type('text/x-shellscript; charset=utf-8').header('cache-control', 'no-cache').send(script);
  });

  route(app, contract.getEdgeAgent, async ({ params, reply }) => {
    const { agent, sha256 } = await agentFile.get();
    if (params.sha256 !== sha256) throw new ApiError('AGENT_CHANGED');
    return reply
      .type('text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(agent);
  });
}

/** Base URL under which this request reached the daemon, through trusted proxies. */
function reachedAt(request: FastifyRequest): string | null {
  return /^[A-Za-z0-9.:[\]-]+$/.test(request.host) ? `${request.protocol}://${request.host}` : null;
}
