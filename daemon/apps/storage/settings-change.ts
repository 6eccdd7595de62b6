import { type Edit, remove, set } from '#shared/config/edits.ts';
import { type ErrorDetail, fieldError, fieldErrors } from '#shared/errors.ts';
import { findOddText } from '#shared/odd-text.ts';
import { USUAL_CREDENTIAL } from '#shared/plugin-sdk/credential-length.ts';
import type { CredentialField, SettingsFinding } from '#shared/plugin-sdk/storage-provider.ts';
import type { PutS3Body } from '#shared/schema/s3.ts';
import { currentLocation, LOCAL_PROVIDER, type StorageBlock, type StoragePlace } from './location.ts';
import { looksMasked } from './mask.ts';

/** Fields that the providers know by the same names, and their keys in config.yaml. */
const SHARED_FIELDS = {
  bucket: 'bucket',
  region: 'region',
  endpoint: 'endpoint',
  forcePathStyle: 'force_path_style',
} as const;
type SharedField = keyof typeof SHARED_FIELDS;

/** The settings as they would be with the body's changes. */
export function mergedSettings(block: StoragePlace, body: PutS3Body): Record<string, unknown> {
  const given = Object.keys(SHARED_FIELDS).filter((name) => body[name as SharedField] !== undefined);
  const isSame = body.provider === undefined || body.provider === block.provider;
  const current = isSame ? currentLocation(block).settings : sharedSettings(block);
  return { ...current, ...body.options, ...Object.fromEntries(given.map((name) => [name, body[name as SharedField]])) };
}

/** What another provider is given: its options mean nothing to this one, and what is empty gets the default of this one. */
const sharedSettings = ({ bucket, region, endpoint, forcePathStyle }: StoragePlace): Record<string, unknown> =>
  Object.fromEntries(Object.entries({ bucket, region, endpoint, forcePathStyle }).filter(([, value]) => value !== ''));

/** Names of what the body carries, as providers are told. */
export function givenFields(body: PutS3Body): string[] {
  return [...Object.keys(body), ...Object.keys(body.options ?? {})].filter(
    (name) => name !== 'key' && name !== 'secret' && name !== 'credentials',
  );
}

/** A key file has line breaks, which mean nothing in JSON. */
export function withKeyFileInOneLine<Body extends Pick<PutS3Body, 'secret'>>(body: Body): Body {
  if (!body.secret?.trimStart().startsWith('{')) return body;
  try {
    return { ...body, secret: JSON.stringify(JSON.parse(body.secret)) };
  } catch {
    return body;
  }
}

/** Refuses credentials that are longer than the provider says. @throws ApiError VALIDATION_FAILED */
export function checkLengths(body: Pick<PutS3Body, 'key' | 'secret'>, fields: readonly CredentialField[]): void {
  for (const name of ['key', 'secret'] as const) {
    const most = fields.find((field) => field.name === name)?.maxLength ?? USUAL_CREDENTIAL;
    if ((body[name]?.length ?? 0) > most)
      throw fieldError(`body.${name}`, `must NOT have more than ${most} characters`);
  }
}

/** Refuses credentials that are masks, and a public address that is none. */
export function checkBody(body: PutS3Body): void {
  for (const name of ['key', 'secret', 'bucket', 'region', 'endpoint', 'public_url'] as const) {
    const odd = findOddText(body[name] ?? '');
    if (odd !== undefined) throw fieldError(`body.${name}`, odd.message);
  }
  for (const name of ['key', 'secret'] as const) {
    if (looksMasked(body[name] ?? ''))
      throw fieldError(`body.${name}`, 'is the mask shown instead of the credential, not a credential');
    if (/[\u0000-\u001f\u007f]/.test(body[name] ?? ''))
      throw fieldError(`body.${name}`, 'must not contain control characters');
  }
  for (const name of Object.keys(body.options ?? {}))
    if (Object.hasOwn(SHARED_FIELDS, name)) throw fieldError(`body.options.${name}`, `is not an option: send ${name}`);
  if (/[\u0000-\u001f\u007f]/.test(body.prefix ?? ''))
    throw fieldError('body.prefix', 'must not contain control characters');
  for (const name of ['public_url', 'public_endpoint'] as const) checkAddress(`body.${name}`, body[name] ?? '');
}

function checkAddress(field: string, address: string): void {
  if (address === '') return;
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw fieldError(field, 'must be a URL with http:// or https://');
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw fieldError(field, 'must not contain a user name, a query or a fragment');
  }
}

/** Values that are probably mistakes in texts that may contain anything. */
export function oddWarnings(body: PutS3Body): string[] {
  return Object.entries({ prefix: body.prefix, ...body.options }).flatMap(([name, value]) => {
    const odd = typeof value === 'string' ? findOddText(value) : undefined;
    return odd === undefined ? [] : [`${name} ${odd.message}`];
  });
}

/** Refuses settings that the provider rejects. @returns its warnings */
export function requireSound(findings: readonly SettingsFinding[]): string[] {
  const details: ErrorDetail[] = findings
    .filter((finding) => finding.severity === 'error')
    .map(({ path, message }) => ({ path: path in SHARED_FIELDS ? `body.${path}` : `body.options.${path}`, message }));
  if (details.length > 0) throw fieldErrors(details);
  return findings.map(({ path, message }) => `${path} ${message}`);
}

/** The place that the change leads to. A provider without a region or an endpoint doesn't inherit those of the one before. */
export function changedPlace(block: StoragePlace, body: PutS3Body, settings: Record<string, unknown>): StoragePlace {
  const provider = body.provider ?? block.provider;
  const isSwitch = provider !== block.provider;
  // recordings without a place are still looked for where the app was before it kept its files here
  const inherited = isSwitch && provider !== LOCAL_PROVIDER ? { ...block, region: '', endpoint: '' } : block;
  const { bucket, region, endpoint, forcePathStyle, options } = inherited;
  const place = { provider, bucket, region, endpoint, forcePathStyle, options: { ...(isSwitch ? {} : options) } };
  for (const [name, value] of Object.entries(settings)) {
    Object.assign(name in SHARED_FIELDS ? place : place.options, { [name]: value });
  }
  return place;
}

/** The change as edits of config.yaml: only what differs from the active config. */
export function storageEdits(block: StorageBlock, body: PutS3Body, place: StoragePlace): Edit[] {
  const edits: Edit[] = [];
  // what the provider completes belongs to no field
  const put = (key: string, value: unknown, before: unknown, name = key) => {
    if (value === undefined || value === before) return;
    edits.push({ ...set(['s3', key], value), ...(name in body ? { field: `body.${name}` } : {}) });
  };
  put('provider', body.provider, block.provider);
  for (const [name, key] of Object.entries(SHARED_FIELDS))
    put(key, place[name as SharedField], block[name as SharedField], name);
  put('prefix', body.prefix, block.prefix);
  put('public_url', body.public_url?.replace(/\/+$/, ''), block.publicUrl);
  put('public_endpoint', body.public_endpoint?.replace(/\/+$/, ''), block.publicEndpoint);
  const before = (block.options ?? {}) as Record<string, unknown>;
  const options = (place.options ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(options)) {
    if (value === before[name]) continue;
    const isGiven = name in (body.options ?? {});
    edits.push({ ...set(['s3', 'options', name], value), ...(isGiven ? { field: `body.options.${name}` } : {}) });
  }
  for (const name of Object.keys(before)) if (!(name in options)) edits.push(remove(['s3', 'options', name]));
  return edits;
}
