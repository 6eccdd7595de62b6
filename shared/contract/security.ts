import { Type } from 'typebox';
import { envelope } from '../schema/common.ts';
import {
  AddressQuery,
  AddressVerdict,
  BanParams,
  CreateIpBanBody,
  CreateIpRuleBody,
  IpBan,
  IpRule,
  RuleParams,
  SecurityStatus,
} from '../schema/security.ts';
import { operation } from './operation.ts';

const tag = 'Network security';

export const getSecurity = operation({
  id: 'getSecurity',
  method: 'GET',
  path: '/security',
  tag,
  summary: 'What guards the daemon’s door',
  access: 'global',
  responses: { 200: envelope(SecurityStatus) },
});

export const checkAddress = operation({
  id: 'checkAddress',
  method: 'GET',
  path: '/security/check',
  tag,
  summary: 'Would this address get in?',
  access: 'global',
  query: AddressQuery,
  responses: { 200: envelope(AddressVerdict) },
});

export const listIpRules = operation({
  id: 'listIpRules',
  method: 'GET',
  path: '/security/rules',
  tag,
  summary: 'List address rules',
  access: 'global',
  responses: { 200: envelope(Type.Array(IpRule)) },
});

export const createIpRule = operation({
  id: 'createIpRule',
  method: 'POST',
  path: '/security/rules',
  tag,
  summary: 'Allow or block an address or a range',
  description: 'Rules act while STREAMHUB_IP_ACCESS_MODE is `enforce`. Loopback and private addresses always pass.',
  access: 'global',
  body: CreateIpRuleBody,
  responses: { 201: envelope(IpRule) },
  errors: ['IP_RULE_EXISTS', 'WOULD_SHUT_YOU_OUT'],
  audit: 'ip-rule.create',
});

export const deleteIpRule = operation({
  id: 'deleteIpRule',
  method: 'DELETE',
  path: '/security/rules/{id}',
  tag,
  summary: 'Delete an address rule',
  access: 'global',
  params: RuleParams,
  responses: { 204: null },
  errors: ['IP_RULE_NOT_FOUND'],
  audit: 'ip-rule.delete',
});

export const listIpBans = operation({
  id: 'listIpBans',
  method: 'GET',
  path: '/security/bans',
  tag,
  summary: 'List bans, newest first',
  description: 'Ended ones stay for 30 days: a repeat doubles the length.',
  access: 'global',
  responses: { 200: envelope(Type.Array(IpBan)) },
});

export const createIpBan = operation({
  id: 'createIpBan',
  method: 'POST',
  path: '/security/bans',
  tag,
  summary: 'Ban an address for a while',
  description: 'In force at once, whatever the modes.',
  access: 'global',
  body: CreateIpBanBody,
  responses: { 201: envelope(IpBan) },
  errors: ['WOULD_SHUT_YOU_OUT'],
  audit: 'ip-ban.create',
});

export const deleteIpBan = operation({
  id: 'deleteIpBan',
  method: 'DELETE',
  path: '/security/bans/{id}',
  tag,
  summary: 'Lift a ban and forget its offences',
  access: 'global',
  params: BanParams,
  responses: { 204: null },
  errors: ['IP_BAN_NOT_FOUND'],
  audit: 'ip-ban.delete',
});
