package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
)

// publisher sends an ingest's picture and sound into a room, encoded by one ffmpeg.
type publisher struct {
	cmd   *exec.Cmd
	ended chan struct{}
	once  sync.Once
}

type layer struct {
	width, height uint32
	kbps          uint32
	quality       livekit.VideoQuality
}

// layers are what the ingress asks for, never above what comes in; without a wish LiveKit's ladder of 720p.
func layers(info *livekit.IngressInfo, e encoder) (out []layer, codec livekit.VideoCodec, fps float64) {
	codec, fps = livekit.VideoCodec_H264_MAIN, e.Framerate
	if fps <= 0 || fps > 60 {
		fps = 30
	}
	if info.InputType == livekit.IngressInput_WHIP_INPUT && info.BypassTranscoding {
		return []layer{{e.Width, e.Height, 800, livekit.VideoQuality_HIGH}}, livekit.VideoCodec_VP8, fps
	}
	height, count := uint32(720), 3
	if o := info.Video.GetOptions(); o != nil && len(o.Layers) > 0 {
		for _, l := range o.Layers {
			if l.Height <= e.Height || len(o.Layers) == 1 {
				out = append(out, layer{l.Width, l.Height, max(l.Bitrate/1000, 50), l.Quality})
			}
		}
		if o.VideoCodec != livekit.VideoCodec_DEFAULT_VC {
			codec = o.VideoCodec
		}
		if o.FrameRate > 0 {
			fps = o.FrameRate
		}
		return out, codec, fps
	}
	if info.Video != nil {
		switch info.Video.GetPreset() {
		case livekit.IngressVideoEncodingPreset_H264_1080P_30FPS_3_LAYERS, livekit.IngressVideoEncodingPreset_H264_1080P_30FPS_3_LAYERS_HIGH_MOTION:
			height = 1080
		case livekit.IngressVideoEncodingPreset_H264_540P_25FPS_2_LAYERS, livekit.IngressVideoEncodingPreset_H264_540P_25FPS_2_LAYERS_HIGH_MOTION:
			height, count, fps = 540, 2, min(fps, 25)
		case livekit.IngressVideoEncodingPreset_H264_720P_30FPS_1_LAYER, livekit.IngressVideoEncodingPreset_H264_720P_30FPS_1_LAYER_HIGH_MOTION:
			count = 1
		case livekit.IngressVideoEncodingPreset_H264_1080P_30FPS_1_LAYER, livekit.IngressVideoEncodingPreset_H264_1080P_30FPS_1_LAYER_HIGH_MOTION:
			height, count = 1080, 1
		}
	}
	top := min(height, e.Height)
	for i := range count {
		h := height >> i
		if h > top {
			continue
		}
		w := (e.Width*h/e.Height + 1) &^ 1
		out = append([]layer{{w, h &^ 1, max(h*h/400, 50), 0}}, out...)
	}
	if len(out) == 0 {
		out = []layer{{e.Width, e.Height, 500, 0}}
	}
	for i := range out {
		out[i].quality = livekit.VideoQuality(min(i, 2))
	}
	if len(out) == 1 {
		out[0].quality = livekit.VideoQuality_HIGH
	}
	return out, codec, fps
}

// publish sends what an RTMP encoder feeds (MPEG-TS), what a URL ingress names, or else the test picture.
func publish(room *lksdk.Room, info *livekit.IngressInfo, e encoder, feed *os.File) (*publisher, error) {
	rungs, codec, fps := layers(info, e)
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin"}
	cmd := exec.Command("ffmpeg")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	video, audio := "0:v", "0:a?"
	switch {
	case feed != nil:
		cmd.ExtraFiles = []*os.File{feed}
		args = append(args, "-f", "mpegts", "-fflags", "nobuffer", "-analyzeduration", "500000", "-i", "pipe:3")
	case info.InputType == livekit.IngressInput_URL_INPUT:
		args = append(args, "-re", "-i", info.Url)
	default:
		args = append(args, "-re", "-f", "lavfi", "-i", picture(int32(e.Width), int32(e.Height), int32(fps), false), "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
		audio = "1:a"
	}
	pipe := func() (*os.File, string, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, "", err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, w)
		return r, fmt.Sprintf("pipe:%d", 2+len(cmd.ExtraFiles)), nil
	}
	frame := time.Duration(float64(time.Second) / fps)
	mime, id := webrtc.MimeTypeH264, "video"
	if codec == livekit.VideoCodec_VP8 {
		mime = webrtc.MimeTypeVP8
	}
	var tracks []*lksdk.LocalTrack
	if !e.NoVideo {
		for _, l := range rungs {
			r, to, err := pipe()
			if err != nil {
				return nil, err
			}
			enc := encoding{fps: int32(fps), kbps: int32(l.kbps), gop: 1, codec: livekit.VideoCodec_H264_BASELINE}
			format := []string{"-bsf:v", "h264_mp4toannexb", "-f", "h264"}
			if mime == webrtc.MimeTypeVP8 {
				enc.codec, format = livekit.VideoCodec_VP8, []string{"-f", "ivf"}
			}
			args = append(append(args, "-map", video, "-vf", fmt.Sprintf("scale=%d:%d,fps=%g,format=yuv420p", l.width, l.height, fps)), enc.video(false)...)
			args = append(append(append(args, format...), "-flush_packets", "1"), to)
			options := []lksdk.ReaderSampleProviderOption{lksdk.ReaderTrackWithFrameDuration(frame)}
			if len(rungs) > 1 {
				options = append(options, lksdk.ReaderTrackWithSampleOptions(lksdk.WithSimulcast(id, &livekit.VideoLayer{Quality: l.quality, Width: l.width, Height: l.height, Bitrate: l.kbps * 1000})))
			}
			track, err := lksdk.NewLocalReaderTrack(r, mime, options...)
			if err != nil {
				return nil, err
			}
			tracks = append(tracks, track)
		}
	}
	var sound *lksdk.LocalTrack
	if !e.NoAudio {
		r, to, err := pipe()
		if err != nil {
			return nil, err
		}
		args = append(args, "-map", audio, "-c:a", "libopus", "-b:a", "64k", "-ac", "2", "-ar", "48000", "-page_duration", "20000", "-f", "ogg", "-flush_packets", "1", to)
		if sound, err = lksdk.NewLocalReaderTrack(r, webrtc.MimeTypeOpus, lksdk.ReaderTrackWithFrameDuration(20*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	cmd.Args = append(cmd.Args, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	p := &publisher{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	if sound != nil {
		if _, err := room.LocalParticipant.PublishTrack(sound, &lksdk.TrackPublicationOptions{Name: "audio", Source: livekit.TrackSource_MICROPHONE}); err != nil {
			p.stop()
			return nil, err
		}
	}
	if len(tracks) > 0 {
		top := rungs[len(rungs)-1]
		options := &lksdk.TrackPublicationOptions{Name: "video", Source: livekit.TrackSource_CAMERA, VideoWidth: int(top.width), VideoHeight: int(top.height)}
		var err error
		if len(tracks) > 1 {
			_, err = room.LocalParticipant.PublishSimulcastTrack(tracks, options)
		} else {
			_, err = room.LocalParticipant.PublishTrack(tracks[0], options)
		}
		if err != nil {
			p.stop()
			return nil, err
		}
	}
	return p, nil
}

func (p *publisher) stop() {
	p.once.Do(func() { _ = p.cmd.Process.Kill() })
}
