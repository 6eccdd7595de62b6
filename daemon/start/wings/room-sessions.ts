import type { AppEntry, AppRegistry } from '#daemon/apps/registry/registry.ts';
import type { LiveKitEvent } from '#daemon/media/livekit/event.ts';
import type { MediaStore } from '#daemon/media/media-store.ts';
import type { IdentityKeeper } from '#daemon/media/sessions/identities.ts';
import { SessionKeeper } from '#daemon/media/sessions/keeper.ts';
import { SessionRecorder } from '#daemon/media/sessions/recorder.ts';
import { SessionService } from '#daemon/media/sessions/service.ts';
import { SessionSync } from '#daemon/media/sessions/sync.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Apps } from './apps.ts';
import type { Platform } from './platform.ts';

interface Needs extends Pick<Platform, 'databases' | 'background' | 'clockWatch' | 'events' | 'log'> {
  apps: {
    require(name: string): AppEntry;
    get(name: string): AppEntry | undefined;
    entries(): Iterable<AppEntry>;
  };
  registry: AppRegistry;
  config: Apps['config'];
  mediaStore: MediaStore;
  identities: IdentityKeeper;
  clock: Clock;
  /** The node that a room which begins now was put on. */
  nodeOf(room: string): string | null;
}

/** Creates what keeps the history of rooms. */
export function createRoomSessions({ databases, apps, registry, events, identities, nodeOf, ...rest }: Needs) {
  const { config, background, clockWatch, mediaStore, clock, log } = rest;
  const keeper = new SessionKeeper({
    databases,
    apps,
    config,
    background,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'sessions' }),
  });
  const recorder = new SessionRecorder({ identities, nodeOf, onBegin: (appId, at) => keeper.began(appId, at) });
  const changed = (app: AppEntry, room: string | null): void => {
    keeper.changed(app.name);
    events.publish({ type: 'room-session.changed', app: app.name, tenant: app.tenantId, data: { room } });
  };
  const sync = new SessionSync({ recorder, databases, mediaStore, onChange: (app) => changed(app, null) });
  const service = new SessionService({
    databases,
    apps: { require: apps.require, visible: (which) => registry.visible(which) },
    identities,
    keeper,
    clock,
  });
  return {
    keeper,
    recorder,
    sync,
    service,
    /** An event was stored. */
    follow(app: AppEntry, { name, room }: LiveKitEvent): void {
      if (name === 'room_started' || name === 'room_finished') changed(app, room?.name ?? null);
      else if (name === 'participant_left') keeper.changed(app.name);
    },
  };
}
