import type { FastifyInstance } from 'fastify';
import type { AppService } from '#daemon/apps/registry/service.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/rooms.ts';
import { ok } from '#shared/schema/common.ts';
import type { RoomActions } from './actions.ts';
import type { RoomService } from './service.ts';

export function roomRoutes(
  app: FastifyInstance,
  { apps, openRooms, roomActions: actions }: { apps: AppService; openRooms: RoomService; roomActions: RoomActions },
): void {
  route(app, ops.listAllRooms, ({ principal, query }) =>
    openRooms.list(new Set(apps.visible(principal).map(({ name }) => name)), query),
  );
  route(app, ops.listRooms, ({ params, query }) => openRooms.listOf(params.app, query));
  route(app, ops.createRoom, async ({ params, body, audit }) => {
    audit({ target: body.room, after: withoutText(body) });
    return ok(await actions.create(params.app, body));
  });
  route(app, ops.getRoom, async ({ params, query }) => ok(await openRooms.get(params.app, params.room, query)));
  route(app, ops.updateRoom, ({ params, body, audit }) => {
    audit({ after: withoutText(body) });
    return actions.setMetadata(params.app, params.room, body.metadata) as Promise<undefined>;
  });
  route(app, ops.endRoom, ({ params }) => actions.end(params.app, params.room) as Promise<undefined>);
  route(app, ops.sendRoomData, ({ params, body, audit }) => {
    audit({ after: withoutText(body) });
    return actions.send(params.app, params.room, body) as Promise<undefined>;
  });
  route(app, ops.watchRoom, async ({ params, audit }) => {
    const watching = await actions.watch(params.app, params.room);
    audit({ after: { identity: watching.identity } });
    return ok(watching);
  });
  route(app, ops.getParticipant, async ({ params }) =>
    ok(await openRooms.participant(params.app, params.room, params.identity)),
  );
  route(app, ops.updateParticipant, async ({ params, body, audit }) => {
    audit({ target: nameOf(params), after: withoutText(body) });
    return ok(await actions.update(params.app, params.room, params.identity, body));
  });
  route(app, ops.removeParticipant, ({ params, audit }) => {
    audit({ target: nameOf(params) });
    return actions.remove(params.app, params.room, params.identity) as Promise<undefined>;
  });
  route(app, ops.moveParticipant, ({ params, body, audit }) => {
    audit({ target: nameOf(params) });
    return actions.move(params.app, params.room, params.identity, body.room) as Promise<undefined>;
  });
  route(app, ops.forwardParticipant, ({ params, body, audit }) => {
    audit({ target: nameOf(params) });
    return actions.forward(params.app, params.room, params.identity, body.room) as Promise<undefined>;
  });
  route(app, ops.muteTrack, async ({ params, body, audit }) => {
    audit({ target: `${nameOf(params)}/${params.track}` });
    return ok(await actions.mute(params.app, params.room, params.identity, params.track, body.muted));
  });
}

const nameOf = ({ room, identity }: { room: string; identity: string }): string => `${room}/${identity}`;

/** For the audit trail: of what people wrote, only the length. */
function withoutText(body: { metadata?: string; data?: string; attributes?: Record<string, string> }): object {
  const { metadata, data, attributes, ...rest } = body;
  return {
    ...rest,
    ...(attributes === undefined ? {} : { attributes: Object.keys(attributes) }),
    ...(metadata === undefined ? {} : { metadataLength: metadata.length }),
    ...(data === undefined ? {} : { dataLength: data.length }),
  };
}
