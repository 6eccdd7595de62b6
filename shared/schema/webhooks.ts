import { type Static, Type } from 'typebox';
import { object } from './common.ts';

export const WebhookAnswer = object({ ok: Type.Literal(true) });
export type WebhookAnswer = Static<typeof WebhookAnswer>;
