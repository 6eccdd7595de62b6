import { AuditEntry, AuditQuery } from '../schema/audit.ts';
import { page } from '../schema/common.ts';
import { operation } from './operation.ts';

export const listAudit = operation({
  id: 'listAudit',
  method: 'GET',
  path: '/audit',
  tag: 'Audit',
  summary: 'Who changed what, when and from where',
  description: 'Newest first. An owner sees the own team’s entries, a credential of global scope all of them.',
  access: 'owner',
  query: AuditQuery,
  responses: { 200: page(AuditEntry) },
});
