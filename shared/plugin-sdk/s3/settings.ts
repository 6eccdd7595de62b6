import { type Static, Type } from 'typebox';
import type { CredentialField, SettingsFinding } from '../storage-provider.ts';

export interface S3SettingsTexts {
  region?: { default?: string; examples?: string[]; description?: string };
  endpoint?: { examples?: string[]; description?: string };
  forcePathStyle?: { default?: boolean };
}

/** The settings that every S3-compatible service shares, with the service's own words and examples. */
export function s3Settings(texts: S3SettingsTexts = {}) {
  return Type.Object({
    bucket: Type.String({
      title: 'Bucket',
      maxLength: 255,
      default: '',
      description: 'Name of the bucket. It must exist.',
    }),
    region: Type.String({
      title: 'Region',
      maxLength: 64,
      pattern: '^[A-Za-z0-9-]*$',
      default: 'us-east-1',
      description: 'Region of the bucket.',
      ...texts.region,
    }),
    endpoint: Type.String({
      title: 'Endpoint',
      maxLength: 255,
      default: '',
      description: 'Full URL of the service.',
      ...texts.endpoint,
    }),
    forcePathStyle: Type.Boolean({
      title: 'Path-style addresses',
      default: false,
      description: 'Put the bucket into the path instead of the host name; servers without wildcard DNS need it.',
      ...texts.forcePathStyle,
    }),
  });
}
export type S3Settings = Static<ReturnType<typeof s3Settings>>;

/** Access key and secret key, as all S3-compatible services use them. */
export const s3Credentials: readonly CredentialField[] = [
  { name: 'key', title: 'Access key', secret: false, required: true },
  { name: 'secret', title: 'Secret key', secret: true, required: true },
];

/** Remarks that hold for every S3-compatible service. */
export function checkS3Settings(settings: S3Settings): SettingsFinding[] {
  const findings: SettingsFinding[] = [];
  const { bucket, endpoint } = settings;
  if (bucket !== '' && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(bucket)) {
    findings.push({
      path: 'bucket',
      message: 'may hold letters, digits, dots, dashes and underscores only',
      severity: 'error',
    });
  } else if (bucket !== '' && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    findings.push({
      path: 'bucket',
      message: 'is not a name that S3 allows for new buckets: 3 to 63 lowercase letters, digits, dots and dashes',
      severity: 'warning',
    });
  }
  if (endpoint !== '') {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url && (url.search !== '' || url.hash !== '' || url.username !== '')) {
      findings.push({
        path: 'endpoint',
        message: 'must not hold a user name, a query or a fragment',
        severity: 'error',
      });
    } else if (url && bucket !== '' && url.hostname.startsWith(`${bucket}.`)) {
      findings.push({
        path: 'endpoint',
        message: 'seems to hold the bucket’s name; give the host of the service alone',
        severity: 'warning',
      });
    }
    if (url?.protocol === 'http:') {
      findings.push({
        path: 'endpoint',
        message: 'is not encrypted: recordings travel in the clear',
        severity: 'warning',
      });
    }
  }
  return findings;
}
