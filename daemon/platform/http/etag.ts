/** Does an `If-Match` header name this version? `*` names any. A proxy that compresses marks an ETag as weak, which changes nothing. */
export function matchesEtag(ifMatch: string, etag: string): boolean {
  const asked = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return asked.includes('*') || asked.includes(etag);
}
