package main

import (
	"fmt"
	"strings"

	"github.com/livekit/protocol/livekit"
)

type encoding struct {
	width, height, fps, kbps, audioKbps int32
	audioHz                             int32
	codec                               livekit.VideoCodec
	gop                                 float64
}

// encoding fills in what the order leaves open with LiveKit's H264_720P_30.
func (a asked) encoding() encoding {
	e := encoding{width: 1280, height: 720, fps: 30, kbps: 3000, audioKbps: 128, audioHz: 44100, codec: livekit.VideoCodec_H264_MAIN, gop: 4}
	switch a.preset {
	case livekit.EncodingOptionsPreset_H264_720P_60:
		e.fps, e.kbps = 60, 4500
	case livekit.EncodingOptionsPreset_H264_1080P_30:
		e.width, e.height, e.kbps = 1920, 1080, 4500
	case livekit.EncodingOptionsPreset_H264_1080P_60:
		e.width, e.height, e.fps, e.kbps = 1920, 1080, 60, 6000
	case livekit.EncodingOptionsPreset_PORTRAIT_H264_720P_30:
		e.width, e.height = 720, 1280
	case livekit.EncodingOptionsPreset_PORTRAIT_H264_720P_60:
		e.width, e.height, e.fps, e.kbps = 720, 1280, 60, 4500
	case livekit.EncodingOptionsPreset_PORTRAIT_H264_1080P_30:
		e.width, e.height, e.kbps = 1080, 1920, 4500
	case livekit.EncodingOptionsPreset_PORTRAIT_H264_1080P_60:
		e.width, e.height, e.fps, e.kbps = 1080, 1920, 60, 6000
	}
	if o := a.advanced; o != nil {
		for _, set := range []struct {
			to    *int32
			value int32
		}{{&e.width, o.Width}, {&e.height, o.Height}, {&e.fps, o.Framerate}, {&e.kbps, o.VideoBitrate}, {&e.audioKbps, o.AudioBitrate}, {&e.audioHz, o.AudioFrequency}} {
			if set.value > 0 {
				*set.to = set.value
			}
		}
		if o.KeyFrameInterval > 0 {
			e.gop = o.KeyFrameInterval
		}
		if o.VideoCodec != livekit.VideoCodec_DEFAULT_VC {
			e.codec = o.VideoCodec
		}
	}
	return e
}

// picture is cheap to make and to encode, and moves. Black, where a publisher has a microphone only.
func picture(width, height, fps int32, black bool) string {
	if black {
		return fmt.Sprintf("color=black:size=%dx%d:rate=%d,format=yuv420p", width, height, fps)
	}
	return fmt.Sprintf("smptebars=size=%dx%d:rate=%d,drawbox=x='mod(t*%d\\,%d)':y=%d:w=%d:h=%d:color=white:t=fill,format=yuv420p",
		width, height, fps, width/8, width-width/8, height/3, width/8, height/8)
}

// video gives ffmpeg's words: the least work, and if wanted exactly the bit rate asked for.
func (e encoding) video(exact bool) []string {
	rate := fmt.Sprintf("%dk", e.kbps)
	args := []string{"-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-threads", "1", "-g", fmt.Sprint(int(e.gop * float64(e.fps)))}
	if e.codec == livekit.VideoCodec_VP8 {
		return append(args, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
	}
	params := "force-cfr=1"
	if exact {
		params += ":nal-hrd=cbr"
	}
	switch e.codec { // ultrafast leaves out what makes the profile
	case livekit.VideoCodec_H264_MAIN:
		params += ":cabac=1"
	case livekit.VideoCodec_H264_HIGH:
		params += ":cabac=1:8x8dct=1"
	}
	return append(args, "-c:v", "libx264", "-preset", "ultrafast", "-x264-params", params)
}

func seconds(s *livekit.SegmentedFileOutput) uint32 {
	if s.SegmentDuration == 0 {
		return 4
	}
	return s.SegmentDuration
}

// ffmpeg gives the words for all outputs of an order, encoded once; names are relative to the work folder.
func (a asked) ffmpeg(black bool) []string {
	e := a.encoding()
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-progress", "pipe:1", "-stats_period", "0.1"}
	inputs, audio := 0, -1
	video := -1
	if !a.audioOnly {
		args = append(args, "-re", "-f", "lavfi", "-i", picture(e.width, e.height, e.fps, black))
		video, inputs = 0, 1
	}
	if !a.videoOnly {
		args = append(args, "-re", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:sample_rate=%d", e.audioHz))
		audio = inputs
	}
	vp8 := e.codec == livekit.VideoCodec_VP8
	var slaves []string
	for i := range a.files {
		slaves = append(slaves, fmt.Sprintf("[f=%s]file-%d", a.container(i), i))
	}
	for i, s := range a.segments {
		slaves = append(slaves, fmt.Sprintf("[f=hls:hls_time=%d:hls_list_size=0:hls_playlist_type=event:hls_flags=program_date_time+temp_file:hls_segment_filename=seg-%d_%%05d.ts]list-%d.m3u8", seconds(s), i, i))
	}
	if len(slaves) > 0 {
		if video >= 0 {
			args = append(append(args, "-map", fmt.Sprintf("%d:v", video)), e.video(true)...)
			if len(a.segments) > 0 {
				args = append(args, "-force_key_frames", fmt.Sprintf("expr:gte(t,n_forced*%d)", seconds(a.segments[0])))
			}
		}
		if audio >= 0 {
			codec := "aac"
			if vp8 || strings.Contains(strings.Join(slaves, " "), "f=ogg") {
				codec = "libopus"
				args = append(args, "-ar", "48000")
			}
			args = append(args, "-map", fmt.Sprintf("%d:a", audio), "-c:a", codec, "-b:a", fmt.Sprintf("%dk", e.audioKbps), "-ac", "2")
		}
		args = append(args, "-flags", "+global_header", "-f", "tee", strings.Join(slaves, "|"))
	}
	for i, p := range a.images {
		if video < 0 {
			continue
		}
		every := p.CaptureInterval
		if every == 0 {
			every = 10
		}
		width, height := p.Width, p.Height
		if width == 0 {
			width = e.width
		}
		if height == 0 {
			height = e.height
		}
		args = append(args, "-map", "0:v", "-vf", fmt.Sprintf("select='isnan(prev_selected_t)+gte(t-prev_selected_t\\,%d)',scale=%d:%d", every, width, height),
			"-vsync", "vfr", "-f", "image2", "-atomic_writing", "1", "-start_number", "0", fmt.Sprintf("img-%d_%%05d.jpeg", i))
	}
	return args
}

func (a asked) container(i int) string {
	f := a.files[i]
	switch {
	case f.FileType == livekit.EncodedFileType_OGG || strings.HasSuffix(f.Filepath, ".ogg"):
		return "ogg"
	case a.encoding().codec == livekit.VideoCodec_VP8:
		return "webm"
	}
	return "mp4"
}

// window keeps the last n segments of a playlist.
func window(text string, n int) string {
	var head, segs []string
	pending := ""
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		switch {
		case strings.HasPrefix(l, "#EXT-X-PROGRAM-DATE-TIME"), strings.HasPrefix(l, "#EXTINF"):
			pending += l + "\n"
		case !strings.HasPrefix(l, "#"):
			segs = append(segs, pending+l)
			pending = ""
		case !strings.HasPrefix(l, "#EXT-X-PLAYLIST-TYPE") && !strings.HasPrefix(l, "#EXT-X-MEDIA-SEQUENCE") && l != "#EXT-X-ENDLIST":
			head = append(head, l)
		}
	}
	first := max(0, len(segs)-n)
	out := append(head, fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d", first))
	out = append(out, segs[first:]...)
	if strings.Contains(text, "#EXT-X-ENDLIST") {
		out = append(out, "#EXT-X-ENDLIST")
	}
	return strings.Join(out, "\n") + "\n"
}
