/** StreamHub's plugin SDK: everything that a plugin may import, with `streamhub/plugin-sdk/s3` and `…/conformance`. */
export { type Static, Type } from 'typebox';
export { PLUGIN_API_VERSION } from './api-version.ts';
export { EgressTarget } from './egress-target.ts';
export { isLocalKey } from './local-key.ts';
export { MANIFEST_FILE, PluginManifest, StorageProviderContribution } from './manifest.ts';
export { definePlugin, type Plugin } from './plugin.ts';
export { definePreset, PROTECTED_KEYS, Preset, PresetError } from './preset.ts';
export { PLUGIN_PROBLEMS, type PluginProblem, type PluginProblemCode } from './problems.ts';
export { STORAGE_ERRORS, StorageError, type StorageErrorCode } from './storage-error.ts';
export {
  type CallOptions,
  type CredentialField,
  type DeleteFailure,
  type DeleteResult,
  defineStorageProvider,
  type GetOptions,
  type ListOptions,
  type NetworkGuard,
  type ObjectInfo,
  type OpenObject,
  type PresignOptions,
  type PutOptions,
  type SessionCredentials,
  type SettingsChange,
  type SettingsFinding,
  type StorageCapabilities,
  type StorageClient,
  type StorageContext,
  type StorageProvider,
} from './storage-provider.ts';
export { type StorageTestStep, type StorageTestStepId, testStorage } from './storage-test.ts';
