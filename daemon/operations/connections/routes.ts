import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import type { SettingsStore } from '#daemon/platform/settings-store.ts';
import { testConnection } from '#shared/contract/system.ts';
import { fieldError } from '#shared/errors.ts';
import { ok } from '#shared/schema/common.ts';
import type { ConnectionTests } from './service.ts';

export function connectionRoutes(
  app: FastifyInstance,
  { connections, settingsStore }: { connections: ConnectionTests; settingsStore: SettingsStore },
): void {
  route(app, testConnection, async ({ params: { connection }, body, principal, audit }) => {
    const { values = {}, sendMail = false } = body;
    const names = Object.keys(values);
    audit({ target: connection, after: { ...(names.length > 0 ? { names } : {}), ...(sendMail ? { sendMail } : {}) } });
    if (names.length === 0 && !sendMail) return ok(await connections.test(connection));
    if (sendMail && principal.email === undefined)
      throw fieldError('body.sendMail', 'needs a signed-in person with an e-mail address');
    const changes = settingsStore.check(values);
    const wanted = settingsStore.preview(changes);
    return ok(await connections.testNew(connection, wanted, changes, sendMail ? principal.email : undefined));
  });
}
