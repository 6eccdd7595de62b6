package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/livekit/protocol/ingress"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/protocol/utils/guid"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// encoder is what a test says about someone who sends to a stream key.
type encoder struct {
	StreamKey string  `json:"streamKey"`
	Width     uint32  `json:"width"`
	Height    uint32  `json:"height"`
	Framerate float64 `json:"framerate"`
	NoVideo   bool    `json:"noVideo"`
	NoAudio   bool    `json:"noAudio"`
	Error     string  `json:"error"`
}

// session is one ingress that an encoder or a source feeds.
type session struct {
	w      *worker
	mu     sync.Mutex
	info   *livekit.IngressInfo
	room   *lksdk.Room
	server rpc.IngressHandlerServer
	media  *publisher
	once   sync.Once
	done   chan struct{}
}

func (w *worker) StartIngressAffinity(context.Context, *rpc.StartIngressRequest) float32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full["ingress"] {
		return -1
	}
	return 1
}

func (w *worker) ListActiveIngress(context.Context, *rpc.ListActiveIngressRequest) (*rpc.ListActiveIngressResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &rpc.ListActiveIngressResponse{}
	for id, s := range w.sessions {
		r.IngressSessions = append(r.IngressSessions, &rpc.IngressSession{IngressId: id, ResourceId: s.info.State.ResourceId})
	}
	return r, nil
}

// StartIngress pulls a source; it is answered with BUFFERING at once.
func (w *worker) StartIngress(ctx context.Context, req *rpc.StartIngressRequest) (*livekit.IngressInfo, error) {
	info := proto.Clone(req.Info).(*livekit.IngressInfo)
	s, err := w.session(info, "UR_")
	if err != nil {
		return nil, err
	}
	answer := proto.Clone(s.info).(*livekit.IngressInfo)
	if _, err := w.io.CreateIngress(ctx, answer); err != nil {
		s.end(err.Error())
		return nil, err
	}
	go s.pull()
	return answer, nil
}

func (s *session) pull() {
	if err := s.join(); err != nil {
		s.end(err.Error())
		return
	}
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Head(s.info.Url)
	if err != nil {
		s.end("Internal data stream error.")
		return
	}
	answer.Body.Close()
	if answer.StatusCode >= 400 {
		s.end(http.StatusText(answer.StatusCode))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	probed, _ := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", s.info.Url).Output()
	var e encoder
	if n, _ := fmt.Sscanf(strings.TrimSpace(string(probed)), "%d,%d", &e.Width, &e.Height); n != 2 {
		wait := 60 * time.Second
		if !s.w.config.RealTimes {
			wait = 2 * time.Second
		}
		select {
		case <-s.done:
		case <-time.After(wait):
			s.end("source encoder not ready")
		}
		return
	}
	e.Framerate = 30
	if err := s.publish(e, nil); err != nil {
		s.end(err.Error())
		return
	}
	select {
	case <-s.media.ended:
		s.endWith(livekit.IngressState_ENDPOINT_COMPLETE, "")
	case <-s.done:
	}
}

// startEncoder stands for an encoder that sends the test picture. The error is what the encoder sees.
func (w *worker) startEncoder(e encoder) (any, error) {
	s, err := w.begin(e.StreamKey)
	if err != nil {
		return nil, err
	}
	if err := s.publish(e, nil); err != nil {
		s.end(err.Error())
		return nil, err
	}
	return map[string]string{"ingressId": s.info.IngressId, "resourceId": s.info.State.ResourceId}, nil
}

// begin is what happens when someone sends to a stream key: BUFFERING, and the participant joins.
func (w *worker) begin(key string) (*session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	found, err := w.io.GetIngressInfo(ctx, &rpc.GetIngressInfoRequest{StreamKey: key})
	if err != nil {
		return nil, errors.New("Publish failed")
	}
	info := found.Info
	whip := info.InputType == livekit.IngressInput_WHIP_INPUT
	if info.Enabled != nil && !*info.Enabled {
		return nil, errors.New("Publish failed")
	}
	prefix := "RT_"
	if whip {
		prefix = "WH_"
	}
	w.mu.Lock()
	full := w.full["ingress"]
	w.mu.Unlock()
	if full {
		now := time.Now().UnixNano()
		state := &livekit.IngressState{Status: livekit.IngressState_ENDPOINT_ERROR, Error: "server capacity exceeded", StartedAt: now, UpdatedAt: now, ResourceId: guid.New(prefix)}
		_, _ = w.io.UpdateIngressState(ctx, &rpc.UpdateIngressStateRequest{IngressId: info.IngressId, State: state})
		if whip {
			return nil, errors.New("429 server capacity exceeded")
		}
		return nil, errors.New("Publish failed")
	}
	s, err := w.session(info, prefix)
	if err != nil {
		return nil, err
	}
	s.tell()
	if err := s.join(); err != nil {
		s.end(err.Error())
		return nil, err
	}
	return s, nil
}

func (w *worker) stopEncoder(e encoder) error {
	w.mu.Lock()
	var s *session
	for _, each := range w.sessions {
		if each.info.StreamKey == e.StreamKey {
			s = each
		}
	}
	w.mu.Unlock()
	if s == nil {
		return errors.New("nobody sends to this stream key")
	}
	s.end(e.Error)
	return nil
}

// session begins one, in place of another encoder's if there is one: that is cut off, and LiveKit takes no word of it any more.
func (w *worker) session(info *livekit.IngressInfo, prefix string) (*session, error) {
	now := time.Now().UnixNano()
	info.State = &livekit.IngressState{Status: livekit.IngressState_ENDPOINT_BUFFERING, StartedAt: now, UpdatedAt: now, ResourceId: guid.New(prefix)}
	s := &session{w: w, info: info, done: make(chan struct{})}
	server, err := rpc.NewIngressHandlerServer(s, w.bus)
	if err != nil {
		return nil, err
	}
	s.server = server
	for _, register := range []func(string) error{server.RegisterDeleteIngressTopic, server.RegisterUpdateIngressTopic} {
		if err := register(info.IngressId); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	before := w.sessions[info.IngressId]
	w.sessions[info.IngressId] = s
	w.mu.Unlock()
	if before != nil {
		go before.server.Kill()
		time.AfterFunc(200*time.Millisecond, func() { before.end("") })
	}
	return s, nil
}

func (s *session) join() error {
	i := s.info
	if s.w.config.URL == "" {
		return nil
	}
	token, err := ingress.BuildIngressToken(s.w.config.APIKey, s.w.config.APISecret, i.RoomName, i.ParticipantIdentity, i.ParticipantName, i.ParticipantMetadata, i.IngressId)
	if err != nil {
		return err
	}
	// a room that is closed, or another with the same identity, ends it
	callback := &lksdk.RoomCallback{OnDisconnected: func() { s.end("") }}
	room, err := lksdk.ConnectToRoomWithToken(s.w.config.URL, token, callback, lksdk.WithAutoSubscribe(false))
	if err != nil {
		return err
	}
	room.LocalParticipant.SetAttributes(map[string]string{livekit.AttrIngressID: i.IngressId, livekit.AttrIngressResourceID: i.State.ResourceId})
	s.mu.Lock()
	s.room, i.State.RoomId = room, room.SID()
	s.mu.Unlock()
	return nil
}

// publish brings picture and sound into the room. LiveKit is told of PUBLISHING with the sound; of the picture half a second later, without an event.
func (s *session) publish(e encoder, feed *os.File) error {
	whip := s.info.InputType == livekit.IngressInput_WHIP_INPUT
	if s.room != nil {
		media, err := publish(s.room, s.info, e, feed)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.media = media
		s.mu.Unlock()
	}
	s.mu.Lock()
	state := s.info.State
	state.Status = livekit.IngressState_ENDPOINT_PUBLISHING
	if !e.NoAudio && !whip {
		state.Audio = &livekit.InputAudioState{MimeType: "audio/aac", Channels: 2, SampleRate: 48000}
	}
	s.mu.Unlock()
	s.tell()
	wait := 500 * time.Millisecond
	if !s.w.config.RealTimes {
		wait = 100 * time.Millisecond
	}
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		if whip && !e.NoAudio {
			state.Audio = &livekit.InputAudioState{MimeType: "audio/opus", Channels: 1, SampleRate: 48000}
		}
		if !e.NoVideo {
			state.Video = &livekit.InputVideoState{MimeType: "video/H264", Width: e.Width, Height: e.Height, Framerate: e.Framerate}
			if whip {
				state.Video.MimeType, state.Video.Framerate = "video/VP8", 0
			}
		}
		live := state.Status == livekit.IngressState_ENDPOINT_PUBLISHING
		s.mu.Unlock()
		if live {
			s.tell()
		}
	})
	return nil
}

func (s *session) tell() {
	s.mu.Lock()
	s.info.State.UpdatedAt = time.Now().UnixNano()
	state := proto.Clone(s.info.State).(*livekit.IngressState)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// refused when the ingress was deleted or another encoder has taken over
	_, _ = s.w.io.UpdateIngressState(ctx, &rpc.UpdateIngressStateRequest{IngressId: s.info.IngressId, State: state})
}

func (s *session) end(problem string) {
	status := livekit.IngressState_ENDPOINT_INACTIVE
	if problem != "" {
		status = livekit.IngressState_ENDPOINT_ERROR
	}
	s.endWith(status, problem)
}

func (s *session) endWith(status livekit.IngressState_Status, problem string) {
	s.once.Do(func() {
		close(s.done)
		s.mu.Lock()
		room, media := s.room, s.media
		s.info.State.Status, s.info.State.Error, s.info.State.EndedAt = status, problem, time.Now().UnixNano()
		s.mu.Unlock()
		if media != nil {
			media.stop()
		}
		if room != nil {
			room.Disconnect()
		}
		s.tell()
		s.w.mu.Lock()
		if s.w.sessions[s.info.IngressId] == s {
			delete(s.w.sessions, s.info.IngressId)
		}
		s.w.mu.Unlock()
		go s.server.Kill()
	})
}

// DeleteIngress cuts the encoder off. LiveKit has forgotten the ingress when the end is told.
func (s *session) DeleteIngress(context.Context, *livekit.DeleteIngressRequest) (*livekit.IngressState, error) {
	time.AfterFunc(100*time.Millisecond, func() { s.end("") })
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.Clone(s.info.State).(*livekit.IngressState), nil
}

// UpdateIngress of one that is live ends it: the encoder has to come again.
func (s *session) UpdateIngress(_ context.Context, req *livekit.UpdateIngressRequest) (*livekit.IngressState, error) {
	if req.Enabled != nil && !*req.Enabled {
		time.AfterFunc(100*time.Millisecond, func() { s.end("") })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return proto.Clone(s.info.State).(*livekit.IngressState), nil
}

func (s *session) DeleteWHIPResource(context.Context, *rpc.DeleteWHIPResourceRequest) (*emptypb.Empty, error) {
	go s.end("")
	return &emptypb.Empty{}, nil
}

func (s *session) ICERestartWHIPResource(context.Context, *rpc.ICERestartWHIPResourceRequest) (*rpc.ICERestartWHIPResourceResponse, error) {
	return &rpc.ICERestartWHIPResourceResponse{}, nil
}

func (s *session) WHIPRTCConnectionNotify(context.Context, *rpc.WHIPRTCConnectionNotifyRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
