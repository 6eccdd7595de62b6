import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { rangeOf } from '#daemon/platform/http/byte-range.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/backups.ts';
import { ok } from '#shared/schema/common.ts';
import type { BackupService } from './service.ts';

export function backupRoutes(app: FastifyInstance, { backups }: { backups: BackupService }): void {
  route(app, ops.listBackups, () => ok(backups.list()));
  route(app, ops.createBackup, async ({ body, actor, audit }) => {
    const { passphrase: _, ...choices } = body;
    audit({ after: choices });
    return ok(await backups.create(body, actor));
  });
  route(app, ops.getBackupPlan, async () => ok(await backups.plan()));
  route(app, ops.updateBackupPlan, async ({ body, actor, audit }) => {
    const { passphrase, ...changes } = body;
    audit({ after: { ...changes, ...(passphrase === undefined ? {} : { passphrase: passphrase !== null }) } });
    return ok(await backups.updatePlan(body, actor));
  });
  route(app, ops.cancelRestore, ({ actor }) => backups.cancelRestore(actor) as Promise<undefined>);
  route(app, ops.getBackupStorage, () => ok(backups.storage()));
  route(app, ops.putBackupStorage, async ({ body, actor, audit }) => {
    const { key, secret, ...changes } = body;
    audit({ after: { ...changes, ...(key ? { key: true } : {}), ...(secret ? { secret: true } : {}) } });
    return ok(await backups.putStorage(body, actor));
  });
  route(app, ops.testBackupStorage, async ({ body }) => ok(await backups.testStorage(body)));
  route(app, ops.deleteBackupStorage, ({ actor }) => backups.removeStorage(actor) as Promise<undefined>);
  route(app, ops.getBackup, ({ params }) => ok(backups.get(params.id)));
  route(app, ops.deleteBackup, async ({ params, actor, audit }) => {
    const backup = await backups.remove(params.id, actor);
    audit({ target: backup.name });
    return undefined;
  });
  route(app, ops.downloadBackup, async ({ params, request, reply }) => {
    const { headers } = request;
    const { name, size, open } = await backups.download(params.id);
    // what has this name never changes
    const etag = `"${name}"`;
    const isOther = headers['if-range'] !== undefined && headers['if-range'] !== etag;
    const range = isOther ? undefined : rangeOf(headers.range, size);
    const { start, end } = range ?? { start: 0, end: size - 1 };
    reply.header('accept-ranges', 'bytes').header('etag', etag);
    reply.header('content-disposition', `attachment; filename="${name}"`);
    reply.header('content-length', end - start + 1).type('application/octet-stream');
    if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
    const hasBody = request.method !== 'HEAD' && size > 0;
    return reply.send(hasBody ? await open({ start, end }) : Readable.from([]));
  });
  route(app, ops.verifyBackup, ({ params, body, actor }) => ok(backups.verify(params.id, body.passphrase, actor)));
  route(app, ops.restoreBackup, ({ params, body, actor, audit }) => {
    const { passphrase: _, ...choices } = body;
    audit({ target: String(params.id), after: choices });
    return ok(backups.restore(params.id, body, actor));
  });
}
