import type { ChannelKind } from '#shared/schema/alerts.ts';
import type { Notice } from './notice.ts';

/** What is posted to a receiver. */
interface Post {
  url: string;
  body: unknown;
  headers?: Record<string, string>;
}

interface ReceiverOptions {
  url: string;
  /** Access token of ntfy, or routing key of PagerDuty. */
  secret: string;
  /** Tells installations apart. */
  installation: string;
}

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

const COLOURS: Record<Notice['severity'], number> = { critical: 0xd13438, warning: 0xe8a33d };
const OVER = 0x2da44e;
const colourOf = ({ kind, severity }: Notice): number =>
  kind === 'closed' || kind === 'acknowledged' || kind === 'test' ? OVER : COLOURS[severity];

/** Cuts a text to the length that a receiver takes. */
const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

type Form = (notice: Notice, options: ReceiverOptions) => Post;

/** The form of each kind of receiver that is posted to. */
export const FORMS: Readonly<Record<Exclude<ChannelKind, 'email' | 'desktop'>, Form>> = {
  webhook: ({ kind, group, ...notice }, { url, installation }) => ({
    url,
    body: { event: `incident.${kind}`, installation, group, ...notice },
  }),
  // https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/surfaces/formatting#escaping
  slack: (notice, { url }) => ({
    url,
    body: {
      text: cut(escapeSlack(notice.title), 3000),
      attachments: [
        {
          color: `#${colourOf(notice).toString(16).padStart(6, '0')}`,
          text: cut(escapeSlack(notice.lines.join('\n')), 3000),
          title: 'Open in StreamHub',
          title_link: notice.url,
          ts: Math.round(Date.parse(notice.at) / 1000),
        },
      ],
    },
  }),
  // https://discord.com/developers/docs/resources/webhook#execute-webhook; limits: /docs/resources/message#embed-object-embed-limits
  discord: (notice, { url }) => ({
    url,
    body: {
      embeds: [
        {
          title: cut(notice.title, 256),
          description: cut(notice.lines.join('\n'), 4000),
          color: colourOf(notice),
          url: notice.url,
          timestamp: notice.at,
        },
      ],
      // a text from outside must not call everyone
      allowed_mentions: { parse: [] },
    },
  }),
  // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#send-adaptive-cards-using-an-incoming-webhook
  teams: (notice, { url }) => ({
    url,
    body: {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                text: cut(notice.title, 1000),
                size: 'medium',
                weight: 'bolder',
                wrap: true,
                color: colourOf(notice) === OVER ? 'good' : notice.severity === 'critical' ? 'attention' : 'warning',
              },
              ...notice.lines.map((text) => ({ type: 'TextBlock', text: cut(text, 1000), wrap: true })),
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'Open in StreamHub', url: notice.url }],
          },
        },
      ],
    },
  }),
  // https://docs.ntfy.sh/publish/#publish-as-json: posted to the server, with the topic in the body
  ntfy: (notice, { url, secret }) => {
    const server = new URL(url);
    const path = server.pathname.replace(/\/+$/, '');
    const topic = path.slice(path.lastIndexOf('/') + 1);
    server.pathname = path.slice(0, path.lastIndexOf('/') + 1);
    return {
      url: server.href,
      body: {
        topic,
        title: cut(notice.title, 250),
        message: cut(notice.lines.join('\n'), 3500),
        priority: colourOf(notice) === OVER ? 3 : notice.severity === 'critical' ? 5 : 4,
        tags: [
          colourOf(notice) === OVER
            ? 'white_check_mark'
            : notice.severity === 'critical'
              ? 'rotating_light'
              : 'warning',
        ],
        click: notice.url,
      },
      ...(secret === '' ? {} : { headers: { authorization: `Bearer ${secret}` } }),
    };
  },
  // https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
  pagerduty: (notice, { url, secret, installation }) => {
    const action = notice.kind === 'closed' ? 'resolve' : notice.kind === 'acknowledged' ? 'acknowledge' : 'trigger';
    return {
      url: url || PAGERDUTY_URL,
      body: {
        routing_key: secret,
        event_action: action,
        dedup_key: `streamhub-${installation}-${notice.group ?? `test-${notice.at}`}`,
        ...(action === 'trigger'
          ? {
              payload: {
                summary: cut(notice.title, 1024),
                source: `streamhub-${installation}`,
                severity: notice.kind === 'test' ? 'info' : notice.severity,
                timestamp: notice.at,
                class: notice.incidents[0]?.condition ?? notice.kind,
                custom_details: { text: cut(notice.lines.join('\n'), 4000), incidents: notice.incidents.slice(0, 20) },
              },
              client: 'StreamHub',
              client_url: notice.url,
            }
          : {}),
      },
    };
  },
};

const escapeSlack = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
