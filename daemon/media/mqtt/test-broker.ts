import type { Clock } from '#daemon/platform/clock.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { MqttPlan } from '#shared/delivery/plan.ts';
import { MQTT_TEST_STEPS, type MqttTestResult } from '#shared/schema/mqtt.ts';
import { type BrokerTarget, openBroker } from './broker.ts';
import { BrokerFailure, type BrokerStep } from './failures.ts';
import { topics } from './topics.ts';

/** Connects, signs in and publishes a message; reports each step. */
export async function testBroker(
  app: string,
  target: BrokerTarget,
  plan: MqttPlan,
  { policy, clock }: { policy: EndpointPolicy; clock: Clock },
): Promise<MqttTestResult> {
  const topic = topics.test(plan.topicPrefix);
  const steps: MqttTestResult['steps'] = [];
  let begun = clock.monotonic();
  const add = (id: BrokerStep, state: 'ok' | 'failed', message: string): void => {
    const now = clock.monotonic();
    steps.push({ id, state, message, durationMs: Math.round(now - begun) });
    begun = now;
  };
  const words = wordsOf(target, plan, topic);
  try {
    const broker = await openBroker(target, {
      policy,
      signal: new AbortController().signal,
      onStep: (step) => {
        // a broker without MQTT 5 is asked twice
        if (!steps.some(({ id }) => id === step)) add(step, 'ok', words[step]);
      },
    });
    try {
      const body = { app, message: 'A test of MQTT.', ts: new Date(clock.now()).toISOString() };
      await broker.publish(topic, JSON.stringify(body), { qos: plan.qos });
      add('publish', 'ok', words.publish);
    } finally {
      await broker.end();
    }
  } catch (error) {
    if (!(error instanceof BrokerFailure)) throw error;
    add(error.step, 'failed', error.message);
  }
  const done = steps.length;
  for (const id of MQTT_TEST_STEPS.slice(done))
    steps.push({ id, state: 'skipped', message: 'Not tried.', durationMs: 0 });
  return { ok: steps.every(({ state }) => state === 'ok'), topic, steps };
}

function wordsOf({ username }: BrokerTarget, { qos }: MqttPlan, topic: string): Record<BrokerStep, string> {
  return {
    address: 'The address may be used.',
    connect: 'The broker takes the connection.',
    'sign-in': username === '' ? 'Signed in without a user name.' : `Signed in as ${username}.`,
    publish:
      qos === 0 ? `Sent a message on ${topic}; QoS 0 has no answer.` : `The broker acknowledged a message on ${topic}.`,
  };
}
