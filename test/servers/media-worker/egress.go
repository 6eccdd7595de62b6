package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// child is the process that carries out one egress.
type child struct {
	cmd  *exec.Cmd
	in   io.Writer
	cost float64
	done bool // its end is being told: it counts no more
}

// job is what a handler gets on its first line; further lines are commands.
type job struct {
	Config  config          `json:"config"`
	Request json.RawMessage `json:"request"`
	Info    json.RawMessage `json:"info"`
	Fault   fault           `json:"fault"`
}

func cost(req *rpc.StartEgressRequest) float64 {
	switch req.Request.(type) {
	case *rpc.StartEgressRequest_RoomComposite, *rpc.StartEgressRequest_Web:
		return 4
	case *rpc.StartEgressRequest_Participant:
		return 2
	}
	return 1
}

// StartEgressAffinity refuses what there is no room for: nobody answers then, and LiveKit says the same as with no service.
func (w *worker) StartEgressAffinity(_ context.Context, req *rpc.StartEgressRequest) float32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	used, count := cost(req), 0
	for _, c := range w.handlers {
		if !c.done {
			used += c.cost
			count++
		}
	}
	if w.full["egress"] || (w.config.Max > 0 && count >= w.config.Max) || (w.config.CPUs > 0 && used > 0.8*w.config.CPUs) {
		return -1
	}
	return 1
}

func (w *worker) ListActiveEgress(context.Context, *rpc.ListActiveEgressRequest) (*rpc.ListActiveEgressResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &rpc.ListActiveEgressResponse{}
	r.EgressIds = w.running()
	return r, nil
}

func (w *worker) running() []string {
	ids := []string{}
	for id, c := range w.handlers {
		if !c.done {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *worker) StartEgress(ctx context.Context, req *rpc.StartEgressRequest) (*livekit.EgressInfo, error) {
	now := time.Now().UnixNano()
	info := &livekit.EgressInfo{EgressId: req.EgressId, RoomId: req.RoomId, RoomName: req.RoomName, StartedAt: now, UpdatedAt: now}
	a, err := read(req, info)
	if err != nil {
		return nil, err
	}
	a.announce(info)
	told := redact(info)
	w.mu.Lock()
	if w.orders != nil {
		line, _ := protojson.Marshal(told)
		fmt.Fprintf(w.orders, "%s\n", line)
	}
	j := job{Config: w.config}
	if len(w.faults) > 0 {
		j.Fault, w.faults = w.faults[0], w.faults[1:]
	}
	w.mu.Unlock()
	if _, err := w.io.CreateEgress(ctx, told); err != nil {
		return nil, err
	}
	if err := w.launch(j, req, info); err != nil {
		w.failed(told, err)
		return nil, err
	}
	return told, nil
}

// launch starts the handler and waits until it takes commands.
func (w *worker) launch(j job, req *rpc.StartEgressRequest, info *livekit.EgressInfo) error {
	j.Request, _ = protojson.Marshal(req)
	j.Info, _ = protojson.Marshal(info)
	first, err := json.Marshal(j)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "handler")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: false}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c := &child{cmd: cmd, in: in, cost: cost(req)}
	w.mu.Lock()
	w.handlers[req.EgressId] = c
	w.mu.Unlock()
	gone := func() {
		w.mu.Lock()
		delete(w.handlers, req.EgressId)
		w.mu.Unlock()
	}
	ready := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		fmt.Fprintf(in, "%s\n", first)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch lines.Text() {
			case "ready":
				close(ready)
			case "done":
				w.mu.Lock()
				c.done = true
				w.mu.Unlock()
			}
		}
		close(ended) // only now may Wait close the pipe
	}()
	wait := 10 * time.Second
	if j.Fault.Kind == "start-timeout" && j.Fault.MS > 0 {
		wait = time.Duration(j.Fault.MS) * time.Millisecond
	}
	select {
	case <-ready:
	case <-time.After(wait):
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait()
		gone()
		return errors.New("handler failed to start")
	}
	told := redact(info)
	go func() {
		<-ended
		err := cmd.Wait()
		gone()
		if err != nil {
			w.failed(told, err)
		}
	}()
	return nil
}

// failed reports for a handler that no longer can: with what was known when the order came.
func (w *worker) failed(told *livekit.EgressInfo, err error) {
	now := time.Now().UnixNano()
	told = proto.Clone(told).(*livekit.EgressInfo)
	told.Status, told.Error, told.ErrorCode, told.UpdatedAt, told.EndedAt = livekit.EgressStatus_EGRESS_FAILED, err.Error(), 500, now, now
	report(w.io, told)
}

// asked is what an order says, whichever of its forms it has.
type asked struct {
	room, identity       string // identity: one publisher only
	composite            bool   // Chromium, which starts slowly
	preset               livekit.EncodingOptionsPreset
	advanced             *livekit.EncodingOptions
	files                []*livekit.EncodedFileOutput
	segments             []*livekit.SegmentedFileOutput
	images               []*livekit.ImageOutput
	audioOnly, videoOnly bool
}

type encoded interface {
	GetPreset() livekit.EncodingOptionsPreset
	GetAdvanced() *livekit.EncodingOptions
	GetFile() *livekit.EncodedFileOutput
	GetSegments() *livekit.SegmentedFileOutput
	GetFileOutputs() []*livekit.EncodedFileOutput
	GetSegmentOutputs() []*livekit.SegmentedFileOutput
	GetImageOutputs() []*livekit.ImageOutput
}

func read(req *rpc.StartEgressRequest, info *livekit.EgressInfo) (asked, error) {
	var a asked
	var e encoded
	switch r := req.Request.(type) {
	case *rpc.StartEgressRequest_RoomComposite:
		info.Request, info.RoomName = &livekit.EgressInfo_RoomComposite{RoomComposite: r.RoomComposite}, r.RoomComposite.RoomName
		e, a.composite, a.audioOnly, a.videoOnly = r.RoomComposite, true, r.RoomComposite.AudioOnly, r.RoomComposite.VideoOnly
	case *rpc.StartEgressRequest_Web:
		info.Request = &livekit.EgressInfo_Web{Web: r.Web}
		e, a.composite, a.audioOnly, a.videoOnly = r.Web, true, r.Web.AudioOnly, r.Web.VideoOnly
	case *rpc.StartEgressRequest_Participant:
		c := r.Participant
		info.Request, info.RoomName = &livekit.EgressInfo_Participant{Participant: c}, c.RoomName
		info.SourceType = livekit.EgressSourceType_EGRESS_SOURCE_TYPE_SDK
		a.identity, a.preset, a.advanced, a.files, a.segments, a.images = c.Identity, c.GetPreset(), c.GetAdvanced(), c.FileOutputs, c.SegmentOutputs, c.ImageOutputs
	case *rpc.StartEgressRequest_TrackComposite:
		c := r.TrackComposite
		info.Request, info.RoomName = &livekit.EgressInfo_TrackComposite{TrackComposite: c}, c.RoomName
		info.SourceType = livekit.EgressSourceType_EGRESS_SOURCE_TYPE_SDK
		e, a.audioOnly, a.videoOnly = c, c.VideoTrackId == "", c.AudioTrackId == ""
	default:
		return a, psrpc.NewErrorf(psrpc.InvalidArgument, "request type not supported: %T", req.Request)
	}
	if e != nil {
		a.preset, a.advanced, a.files, a.segments, a.images = e.GetPreset(), e.GetAdvanced(), e.GetFileOutputs(), e.GetSegmentOutputs(), e.GetImageOutputs()
		if f := e.GetFile(); f != nil {
			a.files = append(a.files, f)
		}
		if s := e.GetSegments(); s != nil {
			a.segments = append(a.segments, s)
		}
	}
	a.room = info.RoomName
	missing := func(field string) error {
		return psrpc.NewErrorf(psrpc.InvalidArgument, "request has missing or invalid field: %s", field)
	}
	if len(a.files)+len(a.segments)+len(a.images) == 0 {
		return a, missing("output")
	}
	if o := a.advanced; o != nil {
		if o.Width != 0 && (o.Width < 16 || o.Width%2 == 1) {
			return a, missing("width")
		}
		if o.Height != 0 && (o.Height < 16 || o.Height%2 == 1) {
			return a, missing("height")
		}
	}
	return a, nil
}

// announce lists the results to come; with one output only, the old oneof repeats it.
func (a asked) announce(info *livekit.EgressInfo) {
	for _, f := range a.files {
		info.FileResults = append(info.FileResults, &livekit.FileInfo{Filename: a.filename(f.Filepath, info)})
	}
	for _, s := range a.segments {
		list, live := playlists(s)
		info.SegmentResults = append(info.SegmentResults, &livekit.SegmentsInfo{PlaylistName: list, LivePlaylistName: live})
	}
	for _, i := range a.images {
		info.ImageResults = append(info.ImageResults, &livekit.ImagesInfo{FilenamePrefix: i.FilenamePrefix})
	}
	repeat(info)
}

func repeat(info *livekit.EgressInfo) {
	if len(info.FileResults)+len(info.SegmentResults)+len(info.ImageResults) != 1 {
		return
	}
	if len(info.FileResults) == 1 {
		info.Result = &livekit.EgressInfo_File{File: info.FileResults[0]}
	} else if len(info.SegmentResults) == 1 {
		info.Result = &livekit.EgressInfo_Segments{Segments: info.SegmentResults[0]}
	}
}

func (a asked) filename(wish string, info *livekit.EgressInfo) string {
	at := time.Unix(0, info.StartedAt).UTC().Format("2006-01-02T150405")
	name := strings.NewReplacer("{room_name}", info.RoomName, "{room_id}", info.RoomId, "{publisher_identity}", a.identity, "{time}", at).Replace(wish)
	if name == "" || strings.HasSuffix(name, "/") {
		name += info.RoomName + "-" + at
	}
	if filepath.Ext(name) == "" {
		name += map[bool]string{true: ".ogg", false: ".mp4"}[a.audioOnly]
	}
	return name
}

// playlists are the full keys: a name without a folder lies beside the segments, as the real service puts it.
func playlists(s *livekit.SegmentedFileOutput) (list, live string) {
	beside := func(name string) string {
		if name == "" || strings.Contains(name, "/") {
			return name
		}
		return strings.TrimPrefix(filepath.ToSlash(filepath.Join(filepath.Dir(s.FilenamePrefix), name)), "./")
	}
	return beside(s.PlaylistName), beside(s.LivePlaylistName)
}

// redact copies an info without credentials, as the real service reports it.
func redact(info *livekit.EgressInfo) *livekit.EgressInfo {
	c := proto.Clone(info).(*livekit.EgressInfo)
	hide := func(t target) {
		if s := t.GetS3(); s != nil {
			s.AccessKey, s.Secret = "{access_key}", "{secret}"
			if s.SessionToken != "" {
				s.SessionToken = "{session_token}"
			}
		}
		if g := t.GetGcp(); g != nil {
			g.Credentials = "{credentials}"
		}
		if z := t.GetAzure(); z != nil {
			z.AccountName, z.AccountKey = "{account_name}", "{account_key}"
		}
		if o := t.GetAliOSS(); o != nil {
			o.AccessKey, o.Secret = "{access_key}", "{secret}"
		}
	}
	a, err := read(requestOf(c), &livekit.EgressInfo{})
	if err != nil {
		return c
	}
	for _, f := range a.files {
		hide(f)
	}
	for _, x := range a.segments {
		hide(x)
	}
	for _, x := range a.images {
		hide(x)
	}
	return c
}

func requestOf(info *livekit.EgressInfo) *rpc.StartEgressRequest {
	switch r := info.Request.(type) {
	case *livekit.EgressInfo_RoomComposite:
		return &rpc.StartEgressRequest{Request: &rpc.StartEgressRequest_RoomComposite{RoomComposite: r.RoomComposite}}
	case *livekit.EgressInfo_Participant:
		return &rpc.StartEgressRequest{Request: &rpc.StartEgressRequest_Participant{Participant: r.Participant}}
	case *livekit.EgressInfo_TrackComposite:
		return &rpc.StartEgressRequest{Request: &rpc.StartEgressRequest_TrackComposite{TrackComposite: r.TrackComposite}}
	case *livekit.EgressInfo_Web:
		return &rpc.StartEgressRequest{Request: &rpc.StartEgressRequest_Web{Web: r.Web}}
	}
	return &rpc.StartEgressRequest{}
}
