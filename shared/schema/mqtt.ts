import { type Static, Type } from 'typebox';
import { CallbackState } from './callbacks.ts';
import { Instant, nullable, object, oneOf } from './common.ts';

const { url: _url, signed: _signed, ...figures } = CallbackState.properties;

export const MqttState = object({
  state: oneOf(['off', 'connecting', 'connected', 'waiting'], {
    description: '`waiting`: there is no connection; it is tried again at `nextConnectionAt`.',
  }),
  url: Type.String({ description: 'Address of the broker; empty when nothing is published.' }),
  topicPrefix: Type.String(),
  passwordSet: Type.Boolean({ description: 'A password is stored.' }),
  connectedSince: nullable(Instant),
  disconnectedSince: nullable(Instant, { description: 'Null while there is a connection.' }),
  nextConnectionAt: nullable(Instant),
  ...figures,
});
export type MqttState = Static<typeof MqttState>;

export const MQTT_TEST_STEPS = ['address', 'connect', 'sign-in', 'publish'] as const;

export const MqttTestResult = object({
  ok: Type.Boolean({ description: 'No step failed.' }),
  topic: Type.String({ description: 'Topic of the test message.' }),
  steps: Type.Array(
    object({
      id: oneOf(MQTT_TEST_STEPS),
      state: oneOf(['ok', 'failed', 'skipped']),
      message: Type.String({ description: 'The result, or what went wrong.' }),
      durationMs: Type.Number(),
    }),
  ),
});
export type MqttTestResult = Static<typeof MqttTestResult>;
