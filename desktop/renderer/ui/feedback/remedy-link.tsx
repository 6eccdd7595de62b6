import type { Remedy } from '#shared/rules/remedies.ts';
import { GoTo } from '../../daemon/links.tsx';

/** The way to where a failure is repaired or looked into. */
export function RemedyLink({ remedy: { label, path, search } }: { remedy: Remedy }) {
  return (
    <GoTo to={path} {...(search ? { search } : {})}>
      {label}
    </GoTo>
  );
}
