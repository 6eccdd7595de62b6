/** One client for every S3-compatible service: a provider for another one is its settings and a call of `openS3`. */
export { openS3, type S3Options } from './client.ts';
export { s3EgressTarget } from './egress-target.ts';
export { translateS3Error } from './errors.ts';
export { checkS3Settings, type S3Settings, type S3SettingsTexts, s3Credentials, s3Settings } from './settings.ts';
