const UNTRUSTED =
  'its certificate is from an authority that this machine does not trust (add it to the system’s authorities, then restart)';

/** Why a connection failed, by the error's code, as the end of a sentence. */
const NETWORK_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut off',
  EPIPE: 'the connection was cut off',
  UND_ERR_SOCKET: 'the connection was cut off',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved right now',
  EHOSTUNREACH: 'there is no route to its host',
  ENETUNREACH: 'there is no route to its network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  EPROTO: 'it does not speak TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks',
  CERT_REVOKED: 'its certificate was revoked',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Is the certificate the cause? Then it is neither a firewall nor a stopped server. */
export const isCertificateFailure = (code: unknown): boolean =>
  typeof code === 'string' && /CERT|^UNABLE_TO_/.test(code);

/** The failure in words; undefined for codes that aren't network errors. */
export const networkFailure = (code: unknown): string | undefined =>
  typeof code === 'string' ? (NETWORK_FAILURES[code] ?? proxyFailure(code)) : undefined;

/** Codes of `guardedAgents`. */
function proxyFailure(code: string): string | undefined {
  if (code === 'PROXY_CREDENTIALS') return 'the proxy in HTTPS_PROXY requires other credentials';
  if (code === 'PROXY_REFUSED') return 'the proxy in HTTPS_PROXY refuses to connect to it';
  return code.startsWith('PROXY_') ? 'the proxy in HTTPS_PROXY does not respond' : undefined;
}
