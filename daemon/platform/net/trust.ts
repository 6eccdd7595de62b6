import { readFileSync } from 'node:fs';
import tls from 'node:tls';

/**
 * Trusts, in this thread, the certificate authorities of the system beside those that come with Node and those of
 * NODE_EXTRA_CA_CERTS. Threads and processes that are started later get NODE_USE_SYSTEM_CA instead.
 * @param file further authorities, PEM
 */
export function trustSystemAuthorities(file?: string): void {
  const more = file === undefined ? [] : certificatesIn(readFileSync(file, 'utf8'));
  if (file !== undefined && more.length === 0) throw new Error(`${file} contains no certificate (PEM)`);
  const all = [...tls.getCACertificates('default'), ...tls.getCACertificates('system'), ...more];
  tls.setDefaultCACertificates([...new Set(all)]);
}

const certificatesIn = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
