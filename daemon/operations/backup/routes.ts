import type { FastifyInstance, FastifyReply } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/backups.ts';
import { ok } from '#shared/schema/common.ts';
import type { Job } from '#shared/schema/jobs.ts';
import type { BackupService } from './service.ts';

export function backupRoutes(app: FastifyInstance, { backups }: { backups: BackupService }): void {
  const begun = (reply: FastifyReply, job: Job) => {
    reply.header('location', `/api/v1/jobs/${job.id}`);
    return ok(job);
  };
  route(app, ops.listBackups, () => ok(backups.list()));
  route(app, ops.createBackup, async ({ body, actor, audit, reply }) => {
    const { passphrase: _, ...choices } = body;
    audit({ after: choices });
    return begun(reply, await backups.create(body, actor));
  });
  route(app, ops.getBackupPlan, async () => ok(await backups.plan()));
  route(app, ops.updateBackupPlan, async ({ body, actor, audit }) => {
    const { passphrase, ...changes } = body;
    audit({ after: { ...changes, ...(passphrase === undefined ? {} : { passphrase: passphrase !== null }) } });
    return ok(await backups.updatePlan(body, actor));
  });
  route(app, ops.cancelRestore, ({ actor }) => backups.cancelRestore(actor) as Promise<undefined>);
  route(app, ops.getBackup, ({ params }) => ok(backups.get(params.id)));
  route(app, ops.deleteBackup, async ({ params, actor, audit }) => {
    const backup = await backups.remove(params.id, actor);
    audit({ target: backup.name });
    return undefined;
  });
  route(app, ops.downloadBackup, async ({ params, reply }) => {
    const { name, size, body } = await backups.download(params.id);
    reply.header('content-disposition', `attachment; filename="${name}"`);
    return reply.header('content-length', size).type('application/octet-stream').send(body);
  });
  route(app, ops.verifyBackup, ({ params, body, actor, reply }) =>
    begun(reply, backups.verify(params.id, body.passphrase, actor)),
  );
  route(app, ops.restoreBackup, ({ params, body, actor, audit, reply }) => {
    const { passphrase: _, ...choices } = body;
    audit({ target: String(params.id), after: choices });
    return begun(reply, backups.restore(params.id, body, actor));
  });
}
