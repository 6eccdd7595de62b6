import { Page } from '../../ui/layout/page.tsx';
import { SessionsView } from './sessions-view.tsx';

/** Sessions of all apps. */
export function SessionsPage() {
  return (
    <Page title="Sessions" fill>
      <SessionsView />
    </Page>
  );
}

/** Sessions of one app. */
export const SessionsTab = ({ app }: { app: string }) => <SessionsView app={app} />;
