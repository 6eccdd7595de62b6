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
  summary: 'List plugins, built-in ones first, with their state and what they provide',
  access: 'global',
  responses: { 200: envelope(Type.Array(PluginView)) },
});

export const getPlugin = operation({
  id: 'getPlugin',
  method: 'GET',
  path: '/plugins/{id}',
  tag,
  summary: 'Get a plugin with its documentation',
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
  summary: 'Reload the plugins from their folders',
  description:
    'New presets and storage providers are available when the call returns. Running work keeps the code it started with. Failed and quarantined plugins are tried again.',
  access: 'global',
  responses: { 200: envelope(Type.Array(PluginView)) },
  audit: 'plugin.reload',
});

export const enablePlugin = operation({
  id: 'enablePlugin',
  method: 'POST',
  path: '/plugins/{id}/enable',
  tag,
  summary: 'Enable a plugin, or retry one that failed or is quarantined',
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
  summary: 'Disable a plugin, also after restarts',
  description:
    'Its presets and storage providers disappear from lists immediately. Running work has 30 seconds to finish. Apps that use its storage keep their settings.',
  access: 'global',
  params: PluginParams,
  responses: { 200: envelope(PluginView) },
  errors: ['PLUGIN_NOT_FOUND'],
  audit: 'plugin.disable',
});
