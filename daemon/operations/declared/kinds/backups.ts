import { Type } from 'typebox';
import type { BackupService } from '#daemon/operations/backup/service.ts';
import { BackupPlanBody } from '#shared/schema/backups.ts';
import { object } from '#shared/schema/common.ts';
import { type Change, isAwaited, type Kind } from '../kind.ts';
import { type Fields, SECRET_PATTERN, SecretValue } from '../values.ts';
import { singleKind } from './single.ts';

const PASSPHRASE = 'BACKUP_PASSPHRASE';
const schema = object({ ...BackupPlanBody.properties, passphrase: Type.Optional(Type.String(SECRET_PATTERN)) });

export interface BackupsKindDeps {
  backups: BackupService;
  secretFile: { get(name: string): string | undefined };
}

/** When backups are made and how long they are kept. */
export function backupsKind({ backups, secretFile }: BackupsKindDeps): Kind {
  const bodyOf = ({ before, after }: Change): BackupPlanBody => {
    const { passphrase, ...plan } = after as Fields & { passphrase?: SecretValue };
    const isSame = (before?.['passphrase'] as SecretValue | undefined)?.value === passphrase?.value;
    return { ...plan, ...(isSame ? {} : { passphrase: passphrase?.value ?? null }) } as BackupPlanBody;
  };
  return singleKind({
    id: 'backup plan',
    file: 'backups.yaml',
    schema,
    async read() {
      const { cron, destination, recordings, logs, keepLast, keepDays, monthlyTest } = await backups.plan();
      const passphrase = secretFile.get(PASSPHRASE);
      const secret = passphrase === undefined ? {} : { passphrase: new SecretValue(PASSPHRASE, passphrase) };
      return { cron, destination, recordings, logs, keepLast, keepDays, monthlyTest, ...secret };
    },
    async check(change, context) {
      const { changes } = context;
      if (change.after === null) return;
      const awaited = isAwaited(change, context, 'passphrase') ? { passphrase: 'a passphrase to come' } : {};
      const body = { ...bodyOf(change), ...awaited };
      const isComing = changes.some(
        ({ kind, key, action }) => kind.id === 'app' && key === body.destination && action === 'create',
      );
      await backups.checkPlan(isComing ? { ...body, destination: '' } : body);
    },
    async apply(change, { actor }) {
      if (change.after !== null) await backups.updatePlan(bodyOf(change), actor);
    },
  });
}
