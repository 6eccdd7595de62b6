import type { BodyOf, ResultOf } from '#shared/contract/operation.ts';
import type { getS3, listStorageProviders, putS3 } from '#shared/contract/s3.ts';

export type S3View = ResultOf<typeof getS3>['data'];
/** What the form of any storage is filled from. */
export type StorageView = Pick<
  S3View,
  'provider' | 'bucket' | 'region' | 'endpoint' | 'forcePathStyle' | 'prefix' | 'options' | 'credentials'
> &
  Partial<Pick<S3View, 'public_url' | 'public_endpoint'>>;
export type Provider = ResultOf<typeof listStorageProviders>['data'][number];
export type PutBody = BodyOf<typeof putS3>;

/** What the form holds. Credentials are empty until someone types new ones. */
export interface StorageForm {
  provider: string;
  settings: Record<string, unknown>;
  prefix: string;
  publicUrl: string;
  publicEndpoint: string;
  credentials: 'keys' | 'role';
  key: string;
  secret: string;
  confirmPublic: boolean;
}

const SHARED = ['bucket', 'region', 'endpoint', 'forcePathStyle'] as const;

const propertiesOf = (provider: Provider | undefined): Record<string, { default?: unknown; title?: string }> =>
  (provider?.settings as { properties?: Record<string, { default?: unknown; title?: string }> })?.properties ?? {};

/** Can the AWS role of the daemon’s machine stand in for access keys? */
export const hasRole = (provider: Provider): boolean => provider.id === 'aws';

/** The form as the stored settings fill it. */
export function formOf(view: StorageView, provider: Provider | undefined): StorageForm {
  return {
    provider: view.provider,
    settings: storedSettings(view, provider),
    prefix: view.prefix,
    publicUrl: view.public_url ?? '',
    publicEndpoint: view.public_endpoint ?? '',
    credentials: view.credentials,
    key: '',
    secret: '',
    confirmPublic: false,
  };
}

function storedSettings(view: StorageView, provider: Provider | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(propertiesOf(provider)).map(([name, { default: fallback }]) => [
      name,
      SHARED.includes(name as 'bucket') ? view[name as 'bucket'] : (view.options[name] ?? fallback),
    ]),
  );
}

/** Another provider: what both have is kept where that makes sense, the rest begins with its defaults. */
export function switchProvider(form: StorageForm, provider: Provider, view: StorageView): StorageForm {
  if (provider.id === view.provider)
    return {
      ...form,
      provider: provider.id,
      settings: storedSettings(view, provider),
      credentials: hasRole(provider) ? view.credentials : 'keys',
    };
  const settings = Object.fromEntries(
    Object.entries(propertiesOf(provider)).map(([name, { default: fallback }]) => [
      name,
      name === 'bucket' || name === 'region' ? (form.settings[name] ?? fallback) : fallback,
    ]),
  );
  return { ...form, provider: provider.id, settings, credentials: 'keys' };
}

/** The body of a PUT that makes the stored settings what the form holds; absent keys stay. */
export function bodyOf(form: StorageForm, view: StorageView): PutBody {
  const body: Record<string, unknown> = {};
  const options: Record<string, unknown> = {};
  const isOther = form.provider !== view.provider;
  if (isOther) body['provider'] = form.provider;
  for (const [name, value] of Object.entries(form.settings)) {
    if (value === undefined) continue;
    if (!SHARED.includes(name as 'bucket')) options[name] = value;
    else if (isOther || value !== view[name as 'bucket']) body[name] = value;
  }
  if (Object.keys(options).length > 0 && JSON.stringify(options) !== JSON.stringify(view.options))
    body['options'] = options;
  if (form.prefix !== view.prefix) body['prefix'] = form.prefix;
  const url = form.publicUrl.replace(/\/+$/, '');
  if (url !== (view.public_url ?? '')) body['public_url'] = url;
  const endpoint = form.publicEndpoint.replace(/\/+$/, '');
  if (endpoint !== (view.public_endpoint ?? '')) body['public_endpoint'] = endpoint;
  if (form.credentials !== view.credentials) body['credentials'] = form.credentials;
  if (form.credentials === 'keys') {
    if (form.key !== '') body['key'] = form.key.trim();
    if (form.secret !== '') body['secret'] = form.secret.trim();
  }
  if (opensBucket(form, view)) body['confirmPublic'] = form.confirmPublic;
  return body as PutBody;
}

/** The form's field for a path of the API's body. */
export function fieldOf(path: string): string {
  if (path === 'public_url') return 'publicUrl';
  if (path === 'public_endpoint') return 'publicEndpoint';
  if (path.startsWith('options.')) return path.replace('options.', 'settings.');
  return SHARED.includes(path as 'bucket') ? `settings.${path}` : path;
}

/** A public URL where there was none makes all recordings public. */
export const opensBucket = (form: StorageForm, view: StorageView): boolean =>
  view.public_url === '' && form.publicUrl.replace(/\/+$/, '') !== '';

const CREDENTIALS = { keys: 'access keys', role: 'the machine’s AWS role' } as const;

/** What saving changes, a line each. */
export function changesOf(
  body: PutBody,
  view: S3View,
  provider: Provider | undefined,
): { name: string; before: string; after: string }[] {
  const titles = propertiesOf(provider);
  return Object.entries(body).flatMap(([name, after]) => {
    if (name === 'confirmPublic') return [];
    if (name === 'credentials')
      return [{ name: 'Credentials', before: CREDENTIALS[view.credentials], after: CREDENTIALS[after as 'role'] }];
    if (name === 'key') return [{ name: 'Access key', before: view.keyMasked || 'none', after: 'a new one' }];
    if (name === 'secret')
      return [{ name: 'Secret key', before: view.hasSecret ? 'stored' : 'none', after: 'a new one' }];
    const before = view[name as 'bucket'] as unknown;
    const title = {
      provider: 'Provider',
      prefix: 'Prefix',
      public_url: 'Public URL',
      public_endpoint: 'Public endpoint',
      options: 'Further settings',
    }[name];
    return before === after
      ? []
      : [{ name: title ?? titles[name]?.title ?? name, before: text(before), after: text(after) }];
  });
}

const text = (value: unknown): string =>
  value === '' || value === undefined ? 'empty' : typeof value === 'object' ? JSON.stringify(value) : String(value);
