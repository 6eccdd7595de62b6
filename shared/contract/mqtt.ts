import { AppParams, envelope } from '../schema/common.ts';
import { MqttState, MqttTestResult } from '../schema/mqtt.ts';
import { operation } from './operation.ts';

const tag = 'Callbacks';

export const getMqtt = operation({
  id: 'getMqtt',
  method: 'GET',
  path: '/apps/{app}/mqtt',
  tag,
  summary: 'Get the state of an app’s MQTT connection',
  description:
    'Events are published on `<topic_prefix>/events/<event>` as `CallbackMessage`, in order. The list of deliveries is that of the callbacks, with `receiver=mqtt`.',
  access: { permission: 'config:read' },
  params: AppParams,
  responses: { 200: envelope(MqttState) },
});

export const testMqtt = operation({
  id: 'testMqtt',
  method: 'POST',
  path: '/apps/{app}/mqtt/test',
  tag,
  summary: 'Test an app’s MQTT broker',
  description: 'Connects, signs in, and publishes a message on `<topic_prefix>/test`.',
  access: { permission: 'config:write' },
  share: 'connection-test',
  params: AppParams,
  responses: { 200: envelope(MqttTestResult) },
  errors: ['MQTT_OFF'],
  audit: 'mqtt.test',
});
