import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RoomOptions, VideoPreset } from 'livekit-client';
import { Value } from 'typebox/value';
import { JoinToken } from '../schema/rooms.ts';
import { publishOptions } from './publish-defaults.ts';

const rung = (width: number, height: number, bitrateKbps: number) => ({ width, height, bitrateKbps, framerate: 30 });

describe('what browsers publish', () => {
  it('is the best quality, and the others from the lowest up, in the shape of livekit-client', () => {
    const options = publishOptions({
      simulcast: true,
      layers: [rung(1280, 720, 2800), rung(854, 480, 1400), rung(426, 240, 500)],
    });
    assert.deepEqual(options, {
      publishDefaults: {
        simulcast: true,
        videoEncoding: { maxBitrate: 2_800_000, maxFramerate: 30 },
        videoSimulcastLayers: [
          { width: 426, height: 240, encoding: { maxBitrate: 500_000, maxFramerate: 30 } },
          { width: 854, height: 480, encoding: { maxBitrate: 1_400_000, maxFramerate: 30 } },
        ],
      },
      videoCaptureDefaults: { resolution: { width: 1280, height: 720, frameRate: 30 } },
    });
    const { publishDefaults, videoCaptureDefaults } = options;
    // a type error here means that livekit-client's options have changed
    const room: RoomOptions = {
      publishDefaults: {
        ...publishDefaults,
        videoSimulcastLayers: publishDefaults.videoSimulcastLayers as VideoPreset[],
      },
      videoCaptureDefaults,
    };
    assert.ok(room);
    const { publishDefaults: schema } = JoinToken.properties;
    assert.ok(Value.Check(schema, publishDefaults));
  });

  it('is one quality without simulcast', () => {
    const { publishDefaults } = publishOptions({ simulcast: false, layers: [rung(1280, 720, 2800)] });
    assert.deepEqual([publishDefaults.simulcast, publishDefaults.videoSimulcastLayers], [false, []]);
  });
});
