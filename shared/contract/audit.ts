import { AuditEntry, AuditQuery } from '../schema/audit.ts';
import { page } from '../schema/common.ts';
import { operation } from './operation.ts';

export const listAudit = operation({
  id: 'listAudit',
  method: 'GET',
  path: '/audit',
  tag: 'Audit',
  summary: 'List who changed what, when and from where',
  description: 'Newest first. A team owner sees the entries of the team. Global credentials see all entries.',
  access: 'owner',
  query: AuditQuery,
  responses: { 200: page(AuditEntry) },
});
