/** What callers see of an answer: the envelope `{data, error: null}` is opened. */
export type Opened<R> = R extends { data: infer D; error: null } ? D : R;

/** Opens `{data, error: null}`, the envelope of most answers. */
export function opened<R>(body: R): Opened<R> {
  const isEnvelope =
    typeof body === 'object' && body !== null && 'data' in body && 'error' in body && body.error === null;
  return (isEnvelope ? body.data : body) as Opened<R>;
}
