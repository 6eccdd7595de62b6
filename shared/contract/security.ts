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
  summary: 'Get the state of network security',
  access: 'global',
  responses: { 200: envelope(SecurityStatus) },
});

export const checkAddress = operation({
  id: 'checkAddress',
  method: 'GET',
  path: '/security/check',
  tag,
  summary: 'Check whether an address would be allowed',
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
  summary: 'Allow or block an address or range',
  description:
    'Rules apply while STREAMHUB_IP_ACCESS_MODE is `enforce`. Loopback and private addresses are always allowed.',
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
  description: 'Includes bans of the last 30 days that have ended, because a repeated ban lasts twice as long.',
  access: 'global',
  responses: { 200: envelope(Type.Array(IpBan)) },
});

export const createIpBan = operation({
  id: 'createIpBan',
  method: 'POST',
  path: '/security/bans',
  tag,
  summary: 'Ban an address for a limited time',
  description: 'Takes effect immediately, in every mode.',
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
  summary: 'Lift a ban and clear the offenses of the address',
  access: 'global',
  params: BanParams,
  responses: { 204: null },
  errors: ['IP_BAN_NOT_FOUND'],
  audit: 'ip-ban.delete',
});
