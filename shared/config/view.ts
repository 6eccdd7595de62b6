import { MASK } from './annotations.ts';
import type { AppConfig } from './defaults.ts';
import type { HwaccelChoice, ResolvedHwaccel } from './hwaccel.ts';

/** Masked values of an app's secrets; empty where there is none. */
export interface MaskedSecrets {
  s3AccessKey: string;
  s3SecretKey: string;
  callbackSecret: string;
  mqttPassword: string;
}

/** Flags of older versions that existing clients still read; nothing honours them, so they are always off. */
const RETIRED_FEATURES = {
  rtmpPassword: false,
  wsIngest: { enabled: false, maxCameras: 0, maxFps: 0, maxFrameKb: 0 },
} as const;

/** The whole config as `PATCH /apps/{name}` answers it: secrets masked, the names under which they are stored left out. */
export function appConfigView(config: AppConfig, secrets: MaskedSecrets) {
  const { accessKeyEnv: _a, secretKeyEnv: _b, endpoint, publicUrl, publicEndpoint, ...s3 } = config.s3;
  const { passwordEnv: _c, ...mqtt } = config.mqtt;
  return {
    ...config,
    features: { ...config.features, ...RETIRED_FEATURES },
    s3: {
      ...s3,
      ...(endpoint === '' ? {} : { endpoint }),
      ...(publicUrl === '' ? {} : { publicUrl }),
      ...(publicEndpoint === '' ? {} : { publicEndpoint }),
      accessKey: secrets.s3AccessKey,
      secretKey: secrets.s3SecretKey,
    },
    callbacks: {
      url: config.callbacks.url,
      secret: secrets.callbackSecret !== '' || config.callbacks.secret !== '' ? MASK : '',
    },
    mqtt: { ...mqtt, password: secrets.mqttPassword },
  };
}
export type AppConfigView = ReturnType<typeof appConfigView>;

/** The streaming settings as `GET /apps/{app}/config` answers them. */
export function streamingView(config: AppConfig, hwaccel: HwaccelChoice, hwaccelResolved: ResolvedHwaccel) {
  return {
    app: config.name,
    adaptive: config.webrtc.adaptive,
    layers: config.webrtc.layers,
    rtmp: config.rtmp,
    features: { ...config.features, ...RETIRED_FEATURES },
    transcoding: { ...config.transcoding, hwaccel, hwaccelResolved },
  };
}
export type StreamingView = ReturnType<typeof streamingView>;
