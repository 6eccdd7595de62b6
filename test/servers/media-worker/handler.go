package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"google.golang.org/protobuf/encoding/protojson"
)

// handler carries out one egress, in a process of its own as in the real service.
type handler struct {
	mu      sync.Mutex
	telling sync.Mutex // one report after the other
	config  config
	fault   fault
	info    *livekit.EgressInfo
	io      rpc.IOInfoClient
	asked   asked
	dir     string
	stop    chan struct{} // closed when a stop was asked for
	release chan struct{} // closed when a held one may go on
	broken  chan error    // trouble from outside while it records
	closed  chan struct{} // closed when the source has gone
	once    sync.Once
	sent    map[string]bool
	lists   map[string]string
}

func handle() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	line, err := in.ReadBytes('\n')
	check(err)
	var j job
	check(json.Unmarshal(line, &j))
	if j.Fault.Kind == "start-timeout" {
		select {}
	}
	req := &rpc.StartEgressRequest{}
	info := &livekit.EgressInfo{}
	check(protojson.Unmarshal(j.Request, req))
	check(protojson.Unmarshal(j.Info, info))
	repeat(info) // the copy of the old oneof is to change with its result
	h := &handler{config: j.Config, fault: j.Fault, info: info, dir: filepath.Join(j.Config.Dir, req.EgressId), stop: make(chan struct{}), release: make(chan struct{}),
		broken: make(chan error, 1), closed: make(chan struct{}), sent: map[string]bool{}, lists: map[string]string{}}
	h.asked, err = read(requestOf(info), &livekit.EgressInfo{RoomName: info.RoomName})
	check(err)
	h.asked.room = info.RoomName
	check(os.MkdirAll(h.dir, 0o755))
	bus := connect(h.config.Redis)
	h.io, err = rpc.NewIOInfoClient(bus)
	check(err)
	server, err := rpc.NewEgressHandlerServer(h, bus)
	check(err)
	if h.fault.Kind != "stop-hangs" {
		check(server.RegisterStopEgressTopic(req.EgressId))
		check(server.RegisterUpdateStreamTopic(req.EgressId))
	}
	fmt.Println("ready")
	go h.commands(in)
	h.info.StartedAt = time.Now().UnixNano()
	h.run()
	server.Shutdown()
	_ = os.RemoveAll(h.dir)
}

// commands come from the service: "release", or "fail TEXT".
func (h *handler) commands(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "release":
			select {
			case <-h.release:
			default:
				close(h.release)
			}
		case "fail":
			select {
			case h.broken <- errors.New(text):
			default:
			}
		}
	}
}

func (h *handler) StopEgress(context.Context, *livekit.StopEgressRequest) (*livekit.EgressInfo, error) {
	h.end("StopEgress API")
	h.mu.Lock()
	defer h.mu.Unlock()
	return redact(h.info), nil
}

// UpdateStream answers as the real service does for files and segments.
func (h *handler) UpdateStream(context.Context, *livekit.UpdateStreamRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.NewErrorf(psrpc.InvalidArgument, "UpdateStream called on non-streaming egress")
}

// end begins the end, once: what is active is told as ENDING.
func (h *handler) end(reason string) {
	h.once.Do(func() {
		h.telling.Lock()
		defer h.telling.Unlock()
		h.mu.Lock()
		h.info.Details = "End reason: " + reason
		active := h.info.Status == livekit.EgressStatus_EGRESS_ACTIVE
		if active {
			h.info.Status, h.info.UpdatedAt = livekit.EgressStatus_EGRESS_ENDING, time.Now().UnixNano()
		}
		told := redact(h.info)
		close(h.stop)
		h.mu.Unlock()
		if active {
			report(h.io, told)
		}
	})
}

// begin tells ACTIVE, unless a stop came first.
func (h *handler) begin(at int64) bool {
	h.telling.Lock() // a stop that comes now waits until ACTIVE is told
	defer h.telling.Unlock()
	h.mu.Lock()
	select {
	case <-h.stop:
		h.mu.Unlock()
		return false
	default:
	}
	h.info.Status, h.info.UpdatedAt = livekit.EgressStatus_EGRESS_ACTIVE, time.Now().UnixNano()
	for _, f := range h.info.FileResults {
		f.StartedAt = at
	}
	for _, s := range h.info.SegmentResults {
		s.StartedAt = at
	}
	for _, i := range h.info.ImageResults {
		i.StartedAt = at
	}
	told := redact(h.info)
	h.mu.Unlock()
	report(h.io, told)
	return true
}

func (h *handler) tell(status livekit.EgressStatus) {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.mu.Lock()
	now := time.Now().UnixNano()
	h.info.Status, h.info.UpdatedAt = status, now
	if status >= livekit.EgressStatus_EGRESS_COMPLETE {
		h.info.EndedAt = now
		fmt.Println("done")
	}
	told := redact(h.info)
	h.mu.Unlock()
	report(h.io, told)
}

func (h *handler) fail(err error, code int32) {
	h.mu.Lock()
	h.info.Error, h.info.ErrorCode = err.Error(), code
	var upload *uploadError
	if errors.As(err, &upload) {
		h.info.ErrorCode = 400
	}
	if h.info.Details == "" {
		h.info.Details = "End reason: Failure"
	}
	for _, f := range h.info.FileResults {
		if f.StartedAt != 0 && f.EndedAt == 0 {
			f.Duration = -f.StartedAt // as the real service has it
		}
	}
	h.mu.Unlock()
	h.tell(livekit.EgressStatus_EGRESS_FAILED)
}

// pause waits as long as the real service took, or a part of it; false when a stop came first.
func (h *handler) pause(real time.Duration) bool {
	if !h.config.RealTimes {
		real /= 5
	}
	select {
	case <-time.After(real):
		return true
	case <-h.stop:
		return false
	}
}

func (h *handler) run() {
	recorder, err := h.join()
	if err != nil {
		h.fail(err, 500)
		return
	}
	// a real room composite is Chromium, which just vanishes after the end: LiveKit misses it 20 s later, or closes the room
	leave := func() {
		if !h.asked.composite {
			recorder.leave()
		}
	}
	if !h.waitForMedia(recorder) {
		leave()
		h.abort()
		return
	}
	if h.fault.Kind == "pipeline" {
		leave()
		text := h.fault.Error
		if text == "" {
			text = "could not create element: faac"
		}
		h.fail(errors.New(text), 500)
		return
	}
	failure := h.record(recorder)
	leave()
	if failure == errStopped {
		h.abort()
		return
	}
	if failure != nil {
		h.fail(failure, 500)
		return
	}
	if h.fault.Kind == "limit" {
		h.mu.Lock()
		h.info.Error, h.info.ErrorCode = "Session limit reached", 413
		h.mu.Unlock()
		h.tell(livekit.EgressStatus_EGRESS_LIMIT_REACHED)
		return
	}
	h.tell(livekit.EgressStatus_EGRESS_COMPLETE)
}

var errStopped = errors.New("Stop called before pipeline could start")

func (h *handler) abort() {
	h.mu.Lock()
	h.info.Error, h.info.ErrorCode = errStopped.Error(), 412
	h.mu.Unlock()
	h.tell(livekit.EgressStatus_EGRESS_ABORTED)
}

// waitForMedia stays STARTING until there is something to record; false when stopped before.
func (h *handler) waitForMedia(r *recorder) bool {
	if h.fault.Kind == "hold-start" {
		select {
		case <-h.release:
		case <-h.stop:
			return false
		}
	}
	select {
	case <-r.published:
	case <-h.stop:
		return false
	case <-h.closed:
		return false
	}
	if h.asked.composite {
		return h.pause(1700 * time.Millisecond)
	}
	return h.pause(200 * time.Millisecond)
}

// record runs ffmpeg until a stop, the end of the source or a failure, and uploads.
func (h *handler) record(r *recorder) error {
	var said bytes.Buffer
	cmd := exec.Command("ffmpeg", h.asked.ffmpeg(r.black())...)
	cmd.Dir, cmd.Stderr = h.dir, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	progress, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	begun := time.Now().UnixNano()
	if !h.firstMedia(progress) {
		return fmt.Errorf("ffmpeg ended: %v %s", cmd.Wait(), said.String())
	}
	ended := make(chan error, 1)
	go func() {
		_, _ = io.Copy(io.Discard, progress)
		ended <- cmd.Wait()
	}()
	kill := func(err error) error {
		_ = cmd.Process.Kill()
		<-ended
		return err
	}
	if h.asked.composite {
		begun = time.Now().UnixNano()
	} else {
		h.pause(700 * time.Millisecond)
	}
	if !h.begin(begun) {
		return kill(errStopped)
	}
	var limit <-chan time.Time
	if h.fault.Kind == "limit" {
		limit = time.After(time.Duration(max(h.fault.MS, 1)) * time.Millisecond)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for recording := true; recording; {
		select {
		case <-tick.C:
			if err := h.upload(false); err != nil {
				return kill(err)
			}
			continue
		case err := <-h.broken:
			return kill(err)
		case err := <-ended:
			return fmt.Errorf("ffmpeg ended: %v %s", err, said.String())
		case <-h.closed:
			h.end("Source closed")
		case <-limit:
			h.end("Limit reached")
		case <-h.stop:
		}
		recording = false
	}
	<-h.stop
	_ = cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		return kill(errors.New("pipeline frozen"))
	}
	if h.fault.Kind == "hold-end" {
		<-h.release
	}
	return h.finish(begun)
}

// firstMedia waits until something is written.
func (h *handler) firstMedia(progress io.Reader) bool {
	lines := bufio.NewScanner(progress)
	for lines.Scan() {
		size, found := strings.CutPrefix(lines.Text(), "out_time_us=")
		if found && size != "N/A" && !strings.HasPrefix(size, "-") && size != "0" {
			return true
		}
	}
	return false
}

// upload sends segments, playlists and pictures that are complete.
func (h *handler) upload(last bool) error {
	for i, s := range h.asked.segments {
		if err := h.uploadSegments(i, s); err != nil {
			return err
		}
	}
	for i, p := range h.asked.images {
		names, _ := filepath.Glob(filepath.Join(h.dir, fmt.Sprintf("img-%d_*.jpeg", i)))
		sort.Strings(names)
		for n, from := range names {
			if h.sent[from] {
				continue
			}
			h.mu.Lock()
			h.info.ImageResults[i].ImageCount++ // counted before it is there, as the real service does
			h.mu.Unlock()
			if _, err := h.put(p, from, fmt.Sprintf("%s_%05d.jpeg", p.FilenamePrefix, n), "image/jpeg"); err != nil {
				return err
			}
			h.sent[from] = true
		}
	}
	return nil
}

// uploadSegments goes by ffmpeg's playlist, which names complete segments only.
func (h *handler) uploadSegments(i int, s *livekit.SegmentedFileOutput) error {
	text, err := os.ReadFile(filepath.Join(h.dir, fmt.Sprintf("list-%d.m3u8", i)))
	key := fmt.Sprint("list-", i)
	if err != nil || h.lists[key] == string(text) {
		return nil
	}
	for _, line := range strings.Split(string(text), "\n") {
		from := filepath.Join(h.dir, line)
		if line == "" || strings.HasPrefix(line, "#") || h.sent[from] {
			continue
		}
		number := strings.TrimPrefix(line, fmt.Sprintf("seg-%d", i))
		if _, err := h.put(s, from, s.FilenamePrefix+number, "video/mp2t"); err != nil {
			return err
		}
		h.sent[from] = true
		h.mu.Lock()
		if st, err := os.Stat(from); err == nil {
			h.info.SegmentResults[i].Size += st.Size()
		}
		h.info.SegmentResults[i].SegmentCount++
		h.mu.Unlock()
	}
	full := strings.ReplaceAll(string(text), fmt.Sprintf("seg-%d_", i), path.Base(s.FilenamePrefix)+"_")
	full = strings.Replace(full, "#EXT-X-VERSION:3", "#EXT-X-VERSION:4", 1)
	list, live := playlists(s)
	location, err := h.putText(s, full, list)
	if err != nil {
		return err
	}
	liveLocation := ""
	if live != "" {
		if liveLocation, err = h.putText(s, window(full, 5), live); err != nil {
			return err
		}
	}
	h.mu.Lock()
	h.info.SegmentResults[i].PlaylistLocation, h.info.SegmentResults[i].LivePlaylistLocation = location, liveLocation
	h.mu.Unlock()
	h.lists[key] = string(text)
	return nil
}

func (h *handler) putText(t target, text, key string) (string, error) {
	from := filepath.Join(h.dir, "put")
	if err := os.WriteFile(from, []byte(text), 0o644); err != nil {
		return "", err
	}
	kind := "application/x-mpegurl"
	if strings.HasSuffix(key, ".json") {
		kind = "application/json"
	}
	return h.put(t, from, key, kind)
}

// finish uploads the rest. The duration it tells is until its pipeline had emptied, which is not the media's length.
func (h *handler) finish(begun int64) error {
	end := time.Now().UnixNano()
	h.mu.Lock()
	for _, f := range h.info.FileResults {
		f.EndedAt, f.Duration = end, end-begun
	}
	for _, s := range h.info.SegmentResults {
		s.EndedAt, s.Duration = end, end-begun
	}
	for _, i := range h.info.ImageResults {
		i.EndedAt = end
	}
	h.mu.Unlock()
	for i, f := range h.asked.files {
		from := filepath.Join(h.dir, fmt.Sprintf("file-%d", i))
		st, err := os.Stat(from)
		if err != nil {
			return errors.New("no file was written")
		}
		location, err := h.put(f, from, h.info.FileResults[i].Filename, "video/"+h.asked.container(i))
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.info.FileResults[i].Size, h.info.FileResults[i].Location = st.Size(), location
		h.mu.Unlock()
	}
	if err := h.upload(true); err != nil {
		return err
	}
	return h.manifests()
}

// manifests lie in the folder of each output, as EGRESSID.json; with the backup storage even where they are off.
func (h *handler) manifests() error {
	text, _ := protojson.Marshal(redact(h.info))
	put := func(t target, off bool, key string) error {
		if off && !h.info.BackupStorageUsed {
			return nil
		}
		location, err := h.putText(t, string(text), path.Join(path.Dir(key), h.info.EgressId+".json"))
		if err == nil && h.info.ManifestLocation == "" {
			h.info.ManifestLocation = location
		}
		return err
	}
	for i, f := range h.asked.files {
		if err := put(f, f.DisableManifest, h.info.FileResults[i].Filename); err != nil {
			return err
		}
	}
	for _, s := range h.asked.segments {
		list, _ := playlists(s)
		if err := put(s, s.DisableManifest, list); err != nil {
			return err
		}
	}
	for _, p := range h.asked.images {
		if err := put(p, p.DisableManifest, p.FilenamePrefix); err != nil {
			return err
		}
	}
	return nil
}
