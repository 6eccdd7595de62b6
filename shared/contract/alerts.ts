import { Type } from 'typebox';
import { INCIDENTS_KEPT_DAYS } from '../limits.ts';
import {
  AlertChannel,
  AlertCondition,
  AlertRule,
  ChannelParams,
  ChannelTest,
  CreateChannelBody,
  CreateRuleBody,
  Incident,
  IncidentPage,
  IncidentParams,
  IncidentQuery,
  PatchChannelBody,
  PatchRuleBody,
  RuleParams,
  SilenceBody,
} from '../schema/alerts.ts';
import { envelope } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Alerts';
const reads = { access: { permission: 'alert:read' }, isOfInstallation: true } as const;
const writes = { access: { permission: 'alert:write' }, isOfInstallation: true } as const;

export const listAlertRules = operation({
  id: 'listAlertRules',
  method: 'GET',
  path: '/alerts',
  tag,
  summary: 'List the rules of alerts',
  description: 'Every condition has a built-in rule, which is on from the start. Added rules follow.',
  ...reads,
  responses: { 200: envelope(Type.Array(AlertRule)) },
});

export const createAlertRule = operation({
  id: 'createAlertRule',
  method: 'POST',
  path: '/alerts',
  tag,
  summary: 'Add a rule',
  description:
    'For example a second limit, or other channels for some apps. What you leave out has the condition’s default.',
  ...writes,
  body: CreateRuleBody,
  responses: { 201: envelope(AlertRule) },
  audit: 'alert-rule.create',
});

export const updateAlertRule = operation({
  id: 'updateAlertRule',
  method: 'PATCH',
  path: '/alerts/{id}',
  tag,
  summary: 'Change a rule, or turn it on or off',
  ...writes,
  params: RuleParams,
  body: PatchRuleBody,
  unknownFields: 'refused',
  responses: { 200: envelope(AlertRule) },
  errors: ['ALERT_RULE_NOT_FOUND'],
  audit: 'alert-rule.update',
});

export const deleteAlertRule = operation({
  id: 'deleteAlertRule',
  method: 'DELETE',
  path: '/alerts/{id}',
  tag,
  summary: 'Delete a rule',
  description:
    'A built-in rule gets its defaults back instead. Open incidents of a deleted rule close, and its silences end.',
  ...writes,
  params: RuleParams,
  responses: { 204: null },
  errors: ['ALERT_RULE_NOT_FOUND'],
  audit: 'alert-rule.delete',
});

export const listAlertConditions = operation({
  id: 'listAlertConditions',
  method: 'GET',
  path: '/alerts/conditions',
  tag,
  summary: 'List what can be watched',
  ...reads,
  responses: { 200: envelope(Type.Array(AlertCondition)) },
});

export const listAlertChannels = operation({
  id: 'listAlertChannels',
  method: 'GET',
  path: '/alerts/channels',
  tag,
  summary: 'List the channels of alerts',
  description: 'Addresses and secrets are stored in the secret store and never returned.',
  ...reads,
  responses: { 200: envelope(Type.Array(AlertChannel)) },
});

export const createAlertChannel = operation({
  id: 'createAlertChannel',
  method: 'POST',
  path: '/alerts/channels',
  tag,
  summary: 'Add a channel',
  ...writes,
  body: CreateChannelBody,
  responses: { 201: envelope(AlertChannel) },
  audit: 'alert-channel.create',
});

export const updateAlertChannel = operation({
  id: 'updateAlertChannel',
  method: 'PATCH',
  path: '/alerts/channels/{id}',
  tag,
  summary: 'Change a channel',
  ...writes,
  params: ChannelParams,
  body: PatchChannelBody,
  unknownFields: 'refused',
  responses: { 200: envelope(AlertChannel) },
  errors: ['ALERT_CHANNEL_NOT_FOUND'],
  audit: 'alert-channel.update',
});

export const deleteAlertChannel = operation({
  id: 'deleteAlertChannel',
  method: 'DELETE',
  path: '/alerts/channels/{id}',
  tag,
  summary: 'Delete a channel with its secrets',
  description: 'Rules that name it keep their other channels. It is refused while a rule names no other.',
  ...writes,
  params: ChannelParams,
  responses: { 204: null },
  errors: ['ALERT_CHANNEL_NOT_FOUND', 'ALERT_CHANNEL_IN_USE'],
  audit: 'alert-channel.delete',
});

export const testAlertChannel = operation({
  id: 'testAlertChannel',
  method: 'POST',
  path: '/alerts/channels/{id}/test',
  tag,
  summary: 'Send a test through a channel',
  description:
    'Sends a real message and returns the receiver’s answer; at PagerDuty it is then resolved. A failure is a result, not an error.',
  ...writes,
  share: 'connection-test',
  params: ChannelParams,
  responses: { 200: envelope(ChannelTest) },
  errors: ['ALERT_CHANNEL_NOT_FOUND'],
  audit: 'alert-channel.test',
});

export const listIncidents = operation({
  id: 'listIncidents',
  method: 'GET',
  path: '/incidents',
  tag,
  summary: 'List incidents, newest first',
  description: `Shows those of your apps and team, and what concerns every team; global credentials see all. Closed incidents are kept for ${INCIDENTS_KEPT_DAYS} days.`,
  access: { permission: 'alert:read' },
  query: IncidentQuery,
  responses: { 200: IncidentPage },
});

export const getIncident = operation({
  id: 'getIncident',
  method: 'GET',
  path: '/incidents/{id}',
  tag,
  summary: 'Get one incident',
  access: { permission: 'alert:read' },
  params: IncidentParams,
  responses: { 200: envelope(Incident) },
  errors: ['INCIDENT_NOT_FOUND'],
});

const acts = { method: 'POST', tag, access: { permission: 'alert:write' }, params: IncidentParams } as const;
const answers = {
  responses: { 200: envelope(Incident) },
  errors: ['INCIDENT_NOT_FOUND', 'INCIDENT_CLOSED', 'GLOBAL_SCOPE_REQUIRED'],
} as const;

export const acknowledgeIncident = operation({
  ...acts,
  ...answers,
  id: 'acknowledgeIncident',
  path: '/incidents/{id}/acknowledge',
  summary: 'Acknowledge an incident: someone is working on it',
  description: 'It stays open until it is over, and no longer counts as something that needs you.',
  audit: 'incident.acknowledge',
});

export const silenceIncident = operation({
  ...acts,
  ...answers,
  id: 'silenceIncident',
  path: '/incidents/{id}/silence',
  summary: 'Silence an incident for a time',
  description: 'Sends no messages about the same subject of the same rule, also if it comes back.',
  body: SilenceBody,
  audit: 'incident.silence',
});

export const unsilenceIncident = operation({
  ...acts,
  ...answers,
  id: 'unsilenceIncident',
  path: '/incidents/{id}/unsilence',
  summary: 'End the silence of an incident',
  audit: 'incident.unsilence',
});
