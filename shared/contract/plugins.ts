import { Type } from 'typebox';
import { envelope } from '../schema/common.ts';
import { PluginDetail, PluginParams, PluginView } from '../schema/plugins.ts';
import { operation } from './operation.ts';

const tag = 'Plugins';

export const listPlugins = operation({
  id: 'listPlugins',
  method: 'GET',
  path: '/plugins',
  tag,
  summary: 'List plugins, the built-in ones first, with their state and what they contribute',
  access: 'global',
  responses: { 200: envelope(Type.Array(PluginView)) },
});

export const getPlugin = operation({
  id: 'getPlugin',
  method: 'GET',
  path: '/plugins/{id}',
  tag,
  summary: 'Get one plugin with its documentation',
  access: 'global',
  params: PluginParams,
  responses: { 200: envelope(PluginDetail) },
  errors: ['PLUGIN_NOT_FOUND'],
});

export const reloadPlugins = operation({
  id: 'reloadPlugins',
  method: 'POST',
  path: '/plugins/reload',
  tag,
  summary: 'Look at the plugin folders again',
  description:
    'New presets and providers are there with the answer. Work under way keeps the code it began with. Whatever failed or is quarantined gets another try.',
  access: 'global',
  responses: { 200: envelope(Type.Array(PluginView)) },
  audit: 'plugin.reload',
});

export const enablePlugin = operation({
  id: 'enablePlugin',
  method: 'POST',
  path: '/plugins/{id}/enable',
  tag,
  summary: 'Let a plugin take part; one that failed or is quarantined gets another try',
  access: 'global',
  params: PluginParams,
  responses: { 200: envelope(PluginView) },
  errors: ['PLUGIN_NOT_FOUND', 'PLUGIN_SAFE_MODE'],
  audit: 'plugin.enable',
});

export const disablePlugin = operation({
  id: 'disablePlugin',
  method: 'POST',
  path: '/plugins/{id}/disable',
  tag,
  summary: 'Switch a plugin off, now and after restarts',
  description:
    'Its presets and providers are gone from lists at once. Work under way has 30 seconds to finish; apps that use its storage keep their settings.',
  access: 'global',
  params: PluginParams,
  responses: { 200: envelope(PluginView) },
  errors: ['PLUGIN_NOT_FOUND'],
  audit: 'plugin.disable',
});
