import type { PeerCertificate } from 'node:tls';
import type { Certificate } from '#shared/ipc/connections.ts';

/** What a person needs to see of a certificate to decide about it. */
export function describeCertificate(peer: PeerCertificate): Certificate {
  const subject = nameIn(peer.subject);
  const issuer = nameIn(peer.issuer);
  return {
    fingerprint: peer.fingerprint256,
    subject,
    issuer,
    validFrom: new Date(peer.valid_from).toISOString(),
    validTo: new Date(peer.valid_to).toISOString(),
    names: (peer.subjectaltname ?? '')
      .split(/,\s*/)
      .map((entry) => entry.replace(/^(DNS|IP Address):/, ''))
      .filter((entry) => entry !== ''),
    selfSigned: subject === issuer,
  };
}

function nameIn(fields: PeerCertificate['subject'] | undefined): string {
  const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
  return first(fields?.CN) ?? first(fields?.O) ?? '(no name)';
}

/** OpenSSL's errors that only mean that no trusted authority signed the certificate. Such a certificate can be pinned. */
const UNKNOWN_ISSUER = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** Is this reason of distrust one that pinning answers? */
export const isUnknownIssuer = (reason: string): boolean => UNKNOWN_ISSUER.has(reason);

const REASONS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
};

export const reasonOf = (code: string): string => REASONS[code] ?? code;
