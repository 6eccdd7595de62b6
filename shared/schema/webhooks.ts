import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

export const WebhookAnswer = object({ ok: Type.Literal(true) });
export type WebhookAnswer = Static<typeof WebhookAnswer>;

/** Why a webhook was refused; the answer's `cause`. */
export const WEBHOOK_REJECTIONS = ['clock', 'body', 'expired', 'secret', 'key', 'malformed', 'unsigned'] as const;
export type WebhookRejection = (typeof WEBHOOK_REJECTIONS)[number];

/** State of the connection between the daemon and LiveKit. */
export const LiveKitStatus = object({
  status: oneOf(['unconfigured', 'unknown', 'reachable', 'unreachable'], {
    description: '`unknown`: not checked since the start.',
  }),
  since: Instant,
  reason: nullable(Type.String(), { description: 'Why it is unreachable.' }),
  url: Type.String({ description: 'The configured address.' }),
  webhooks: object({
    url: Type.String({ description: 'The value for `webhook.urls` in LiveKit’s config.' }),
    received: Type.Integer({ description: 'Since the start; only signed webhooks.' }),
    repeated: Type.Integer({ description: 'Of these, webhooks that were already stored.' }),
    foreign: Type.Integer({ description: 'Of these, webhooks for rooms without an app.' }),
    rejected: Type.Integer({ description: 'Not signed with our secret.' }),
    lastReceivedAt: nullable(Instant),
    rejections: Type.Array(
      object({
        cause: oneOf(WEBHOOK_REJECTIONS, {
          description:
            '`clock`: signed in the future. `expired`: signed too long ago. `body`: signed by LiveKit but changed in transit. `secret`, `key`: another key pair. `malformed`, `unsigned`: not from LiveKit.',
        }),
        count: Type.Integer({ description: 'Since the start.' }),
        lastAt: Instant,
      }),
      { description: 'Rejected webhooks by cause.' },
    ),
  }),
  clock: nullable(
    object({
      differenceSeconds: Type.Number({ description: 'Positive: LiveKit’s clock is ahead of the daemon’s.' }),
      measuredAt: Instant,
    }),
    {
      description:
        'LiveKit’s clock, from its responses and webhooks; null: not measured yet. Up to 60 s are tolerated.',
    },
  ),
  reconciliation: object({
    lastAt: nullable(Instant, { description: 'When LiveKit’s own lists were last compared with the rows.' }),
    repaired: Type.Integer({ description: 'Rows corrected since the start because webhooks were missing.' }),
  }),
  hint: nullable(Type.String(), { description: 'What to do if something looks wrong.' }),
});
export type LiveKitStatus = Static<typeof LiveKitStatus>;
