import { Type } from 'typebox';
import { APPLIED_KEPT_HOURS, MAX_DECLARED_BYTES } from '../limits.ts';
import { envelope, object, RowId } from '../schema/common.ts';
import { Applied, ApplyBody, Export, Plan, PlanBody, RollbackPoint } from '../schema/declared.ts';
import { Job } from '../schema/jobs.ts';
import { operation } from './operation.ts';

const tag = 'Configuration as code';
const REFUSALS = ['FOLDER_INVALID', 'ROLLBACK_POINT_UNKNOWN', 'TASK_TIMEOUT', 'TASK_FAILED', 'OVERLOADED'] as const;

export const exportConfiguration = operation({
  id: 'exportConfiguration',
  method: 'GET',
  path: '/export',
  tag,
  summary: 'Export the configuration as a folder of YAML',
  description: `Settings, cluster, LiveKit, teams, apps with their config.yaml, backups, alerts, address rules and the shapes of tokens. The order is stable, and there are no ids and no times that change. Secrets are references such as \`\${secret:NAME}\`.`,
  access: 'global',
  share: 'work',
  responses: { 200: envelope(Export) },
  errors: ['TASK_TIMEOUT', 'TASK_FAILED', 'OVERLOADED'],
});

export const planConfiguration = operation({
  id: 'planConfiguration',
  method: 'POST',
  path: '/plan',
  tag,
  summary: 'Show what a folder would change',
  description: 'Changes nothing. Faults of the folder are listed with file, line and column.',
  access: 'global',
  share: 'work',
  body: PlanBody,
  unknownFields: 'refused',
  bodyLimit: MAX_DECLARED_BYTES,
  responses: { 200: envelope(Plan) },
  errors: REFUSALS,
  audit: false,
});

export const applyConfiguration = operation({
  id: 'applyConfiguration',
  method: 'POST',
  path: '/apply',
  tag,
  summary: 'Make the changes of a plan',
  description:
    'Sends the same folder again, with the fingerprint of its plan. If the plan would be another one by now, the answer is 409 `PLAN_OUTDATED` and nothing changes. Everything is validated before the first change. If a change fails, `APPLY_STOPPED` lists what was done and names the roll-back point, which can be planned and applied like a folder. The apply is a job, which continues after a restart. With `Prefer: respond-async` the answer is 202 with the job, if anything is to be changed; otherwise the answer comes when the job has ended.',
  access: 'global',
  share: 'work',
  body: ApplyBody,
  unknownFields: 'refused',
  bodyLimit: MAX_DECLARED_BYTES,
  responses: { 200: envelope(Applied), 202: envelope(Job) },
  errors: [...REFUSALS, 'PLAN_OUTDATED', 'APPLY_BUSY', 'APPLY_STOPPED', 'APPLY_CANCELLED'],
  audit: 'configuration.apply',
});

export const readApplied = operation({
  id: 'readApplied',
  method: 'POST',
  path: '/rollback-points/{id}/answer',
  tag,
  summary: 'Read what an apply created, once',
  description: `The answer of \`POST /apply\` for those who didn’t wait for it: new tokens and links of invitations. Only the one who applied gets it, once, within ${APPLIED_KEPT_HOURS} hours. \`answer\` of the roll-back point says whether there is one.`,
  access: 'global',
  params: object({ id: RowId({ description: 'Id of the roll-back point.' }) }),
  responses: { 200: envelope(Applied) },
  errors: ['ROLLBACK_POINT_UNKNOWN', 'APPLY_BUSY', 'APPLIED_ANSWER_GONE'],
  revealsSecret: true,
  audit: 'configuration.read-tokens',
});

export const listRollbackPoints = operation({
  id: 'listRollbackPoints',
  method: 'GET',
  path: '/rollback-points',
  tag,
  summary: 'List roll-back points, newest first',
  description:
    'Each apply keeps the state of everything that it changes, with secrets, in a file of mode 600. The newest 20 are kept.',
  access: 'global',
  responses: { 200: envelope(Type.Array(RollbackPoint)) },
});
