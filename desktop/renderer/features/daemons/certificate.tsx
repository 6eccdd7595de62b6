import type { Certificate } from '#shared/ipc/connections.ts';
import { Facts } from '../../ui/layout/page.tsx';
import { At } from '../../ui/words/time.tsx';
import classes from './daemons.module.css';

/** A certificate's data, the fingerprint first. */
export function CertificateFacts({ certificate }: { certificate: Certificate }) {
  return (
    <Facts
      items={{
        'SHA-256': <code className={classes.fingerprint}>{certificate.fingerprint}</code>,
        'Issued to': certificate.names.join(', ') || certificate.subject,
        'Issued by': certificate.selfSigned ? 'itself' : certificate.issuer,
        Valid: (
          <>
            <At at={certificate.validFrom} /> to <At at={certificate.validTo} />
          </>
        ),
      }}
    />
  );
}
