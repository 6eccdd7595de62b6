import { Page } from '../../ui/layout/page.tsx';
import { LogExplorer } from './log-explorer.tsx';

/** The log of the whole server. */
export function LogsPage() {
  return (
    <Page title="Logs" fill>
      <LogExplorer />
    </Page>
  );
}

/** The log of one app. */
export function AppLogsTab({ app }: { app: string }) {
  return <LogExplorer app={app} />;
}
