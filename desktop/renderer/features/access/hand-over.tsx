import { isOnlyHere } from '#shared/rules/hosts.ts';
import { HERE_URL } from '../../host/base.ts';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';

/** A link that you pass on. Where the daemon knows no address for others, the one that this browser uses is taken. */
export function HandOver({
  url,
  notes = [],
  what,
}: {
  url: string;
  notes?: readonly string[] | undefined;
  what: string;
}) {
  const link = new URL(url);
  const isReplaced = bridge().host === 'web' && isOnlyHere(link) && !isOnlyHere(new URL(HERE_URL));
  const shown = isReplaced ? `${HERE_URL}${link.pathname.slice(link.pathname.lastIndexOf('/'))}${link.hash}` : url;
  return (
    <>
      {isReplaced ? (
        <Notice tone="info" title="The link has the address that you use now">
          <p>Set PUBLIC_BASE_URL if others reach this server at another one.</p>
        </Notice>
      ) : notes.length > 0 ? (
        <Notice tone="warn" title="Others may not be able to open this link">
          {notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </Notice>
      ) : null}
      <CopyBox text={shown} what={what} />
    </>
  );
}
