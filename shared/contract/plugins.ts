import { Type } from 'typebox';
import { envelope } from '../schema/common.ts';
import {
  ForceQuery,
  InstallQuery,
  PluginDetail,
  PluginFromUrl,
  PluginParams,
  PluginView,
  UpdateQuery,
} from '../schema/plugins.ts';
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

/** Media types of an uploaded plugin: a packed one, or a preset file. Its contents decide which it is. */
const uploads = ['application/gzip', 'application/x-gzip', 'application/octet-stream', 'application/yaml', 'text/yaml'];
const errors = [
  'PLUGIN_INVALID',
  'PLUGIN_CHECKSUM_DIFFERS',
  'PLUGIN_DOWNLOAD_FAILED',
  'BODY_TOO_LARGE',
  'TASK_TIMEOUT',
  'OVERLOADED',
] as const;

export const installPlugin = operation({
  id: 'installPlugin',
  method: 'POST',
  path: '/plugins',
  tag,
  summary: 'Install a plugin from an uploaded file or an address',
  description:
    'Send the packed plugin (.tgz) or preset file itself with its media type, at most 32 MiB. Or send JSON with the address and the SHA-256. The plugin is checked as the daemon will load it, then takes part without a restart.',
  access: 'global',
  query: InstallQuery,
  body: PluginFromUrl,
  uploads,
  responses: { 201: envelope(PluginDetail) },
  errors: [...errors, 'PLUGIN_EXISTS'],
  audit: 'plugin.install',
});

export const updatePlugin = operation({
  id: 'updatePlugin',
  method: 'PUT',
  path: '/plugins/{id}',
  tag,
  summary: 'Replace an installed plugin with another version',
  description:
    'Takes the same bodies as `POST /plugins`. The version until now is kept for one rollback. Running work finishes with the code it started with.',
  access: 'global',
  params: PluginParams,
  query: UpdateQuery,
  body: PluginFromUrl,
  uploads,
  responses: { 200: envelope(PluginDetail) },
  errors: [...errors, 'PLUGIN_NOT_FOUND', 'PLUGIN_ID_DIFFERS', 'PLUGIN_BUILT_IN', 'PLUGIN_FROM_NPM', 'PLUGIN_IN_USE'],
  audit: 'plugin.update',
});

export const rollBackPlugin = operation({
  id: 'rollBackPlugin',
  method: 'POST',
  path: '/plugins/{id}/rollback',
  tag,
  summary: 'Bring back the version of a plugin before its last update',
  description: 'The present version is kept in its place, so a second rollback undoes the first.',
  access: 'global',
  params: PluginParams,
  query: ForceQuery,
  responses: { 200: envelope(PluginDetail) },
  errors: [
    'PLUGIN_NOT_FOUND',
    'PLUGIN_NO_PREVIOUS',
    'PLUGIN_INVALID',
    'PLUGIN_BUILT_IN',
    'PLUGIN_FROM_NPM',
    'PLUGIN_IN_USE',
  ],
  audit: 'plugin.rollback',
});

export const removePlugin = operation({
  id: 'removePlugin',
  method: 'DELETE',
  path: '/plugins/{id}',
  tag,
  summary: 'Remove an installed plugin',
  description:
    'Refused with the names of the apps (`apps`) while a config names its storage provider. With `force=true` it is removed anyway: those apps raise an alarm and record nothing until they have another provider. Running work has 30 seconds to finish.',
  access: 'global',
  params: PluginParams,
  query: ForceQuery,
  responses: { 204: null },
  errors: ['PLUGIN_NOT_FOUND', 'PLUGIN_BUILT_IN', 'PLUGIN_FROM_NPM', 'PLUGIN_IN_USE'],
  audit: 'plugin.remove',
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
