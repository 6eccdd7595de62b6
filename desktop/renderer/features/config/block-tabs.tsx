import { ConfigTab } from './config-tab.tsx';

const FEATURES = ['features', 'player', 'latency_alert', 'analytics'] as const;
const WEBHOOKS = ['callbacks', 'mqtt'] as const;

/** What an app offers its people, as a form. */
export const FeaturesTab = ({ app }: { app: string }) => <ConfigTab app={app} blocks={FEATURES} />;

/** Where the app's events are sent, as a form. */
export const WebhooksTab = ({ app }: { app: string }) => <ConfigTab app={app} blocks={WEBHOOKS} />;
