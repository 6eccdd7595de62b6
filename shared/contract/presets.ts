import { Type } from 'typebox';
import { AppNameParams, envelope } from '../schema/common.ts';
import { IfMatchHeaders } from '../schema/config.ts';
import { PresetApplied, PresetParams, PresetPreview, PresetView } from '../schema/presets.ts';
import { operation } from './operation.ts';

const tag = 'App config';

export const listPresets = operation({
  id: 'listPresets',
  method: 'GET',
  path: '/apps/{name}/presets',
  tag,
  summary: 'List presets with the values that each one sets',
  access: { permission: 'config:read' },
  params: AppNameParams,
  responses: { 200: envelope(Type.Array(PresetView)) },
  errors: ['APP_NOT_FOUND'],
});

export const previewPreset = operation({
  id: 'previewPreset',
  method: 'GET',
  path: '/apps/{name}/presets/{preset}/preview',
  tag,
  summary: 'Preview what a preset would change',
  description: 'Writes nothing.',
  access: { permission: 'config:read' },
  share: 'work',
  params: PresetParams,
  responses: { 200: envelope(PresetPreview) },
  errors: ['APP_NOT_FOUND', 'PRESET_NOT_FOUND', 'CONFIG_MISSING', 'CONFIG_UNREADABLE'],
});

export const applyPreset = operation({
  id: 'applyPreset',
  method: 'POST',
  path: '/apps/{name}/presets/{preset}/apply',
  tag,
  summary: 'Apply a preset',
  description:
    'Merges the preset into config.yaml. Comments and all other keys stay. Identity, credentials and callbacks are never changed. Writes nothing if nothing would change.',
  access: { permission: 'config:write' },
  share: 'work',
  params: PresetParams,
  headers: IfMatchHeaders,
  hasEtag: true,
  responses: { 200: envelope(PresetApplied) },
  errors: ['APP_NOT_FOUND', 'APP_BUSY', 'PRESET_NOT_FOUND', 'CONFIG_MISSING', 'CONFIG_INVALID', 'PRECONDITION_FAILED'],
  audit: 'config.preset',
});
