import type { ReactNode } from 'react';
import { listAlertRules } from '#shared/contract/alerts.ts';
import { useLack } from '../../api/rights.ts';
import { Page } from '../../ui/layout/page.tsx';
import { TabLinks } from '../../ui/layout/tab-links.tsx';

const TABS = [
  { id: 'incidents', label: 'Incidents', to: '/alerts' },
  { id: 'rules', label: 'Rules', to: '/alerts/rules' },
  { id: 'channels', label: 'Channels', to: '/alerts/channels' },
] as const;

/** The three parts of the page. Rules and channels are the installation's, so others see incidents only. */
export function AlertsFrame({
  current,
  actions,
  children,
}: {
  current: (typeof TABS)[number]['id'];
  actions?: ReactNode;
  children: ReactNode;
}) {
  const isLimited = useLack(listAlertRules) !== undefined;
  return (
    <Page title="Alerts" fill actions={actions}>
      <TabLinks
        label="Parts of alerts"
        tabs={TABS.filter(({ id }) => id === 'incidents' || id === current || !isLimited)}
        current={current}
      />
      {children}
    </Page>
  );
}
