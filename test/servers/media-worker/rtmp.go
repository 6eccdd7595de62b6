package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

// rtmp takes real encoders: rtmp://127.0.0.1:PORT/ANY/KEY. Their picture and sound come into the room.
func (w *worker) rtmp(l net.Listener) {
	for {
		conn, err := l.Accept()
		check(err)
		go func() {
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if err := w.receive(conn); err != nil && err != io.EOF {
				// the address in it has the key
				_, _ = os.Stderr.WriteString("media-worker: rtmp: an encoder was cut off or went\n")
			}
		}()
	}
}

func (w *worker) receive(conn net.Conn) error {
	c := &gortmplib.ServerConn{RW: conn}
	if err := c.Initialize(); err != nil {
		return err
	}
	if err := c.AcceptConn(); err != nil {
		return err
	}
	s, err := w.begin(path.Base(strings.TrimSuffix(c.URL.Path, "/")))
	if err != nil || !c.Publish {
		return c.RejectAction()
	}
	// LiveKit is told of the end with the connection; a takeover or a deletion ends the connection
	defer s.end("")
	go func() {
		<-s.done
		conn.Close()
	}()
	reader := &gortmplib.Reader{Conn: c}
	if err := reader.Initialize(); err != nil {
		return err
	}
	feed, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer to.Close()
	e := encoder{NoVideo: true, NoAudio: true}
	muxer := &mpegts.Writer{W: bufio.NewWriter(to)}
	flush := func(err error) {
		if err == nil {
			_ = muxer.W.(*bufio.Writer).Flush()
		}
	}
	ticks := func(d time.Duration) int64 { return int64(d * 90 / time.Millisecond) }
	for _, from := range reader.Tracks() {
		switch codec := from.Codec.(type) {
		case *codecs.H264:
			var sps h264.SPS
			if err := sps.Unmarshal(codec.SPS); err != nil {
				return err
			}
			e.NoVideo, e.Width, e.Height, e.Framerate = false, uint32(sps.Width()), uint32(sps.Height()), sps.FPS()
			track := &mpegts.Track{Codec: &tscodecs.H264{}}
			muxer.Tracks = append(muxer.Tracks, track)
			reader.OnDataH264(from, func(pts, dts time.Duration, au [][]byte) {
				if h264.IsRandomAccess(au) {
					au = append([][]byte{codec.SPS, codec.PPS}, au...)
				}
				flush(muxer.WriteH264(track, ticks(pts), ticks(dts), au))
			})
		case *codecs.MPEG4Audio:
			e.NoAudio = false
			track := &mpegts.Track{Codec: &tscodecs.MPEG4Audio{Config: *codec.Config}}
			muxer.Tracks = append(muxer.Tracks, track)
			reader.OnDataMPEG4Audio(from, func(pts time.Duration, au []byte) {
				flush(muxer.WriteMPEG4Audio(track, ticks(pts), [][]byte{au}))
			})
		}
	}
	if err := muxer.Initialize(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		if err := s.publish(e, feed); err != nil {
			failed <- err
			conn.Close()
		}
	}()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if err := reader.Read(); err != nil {
			select {
			case err = <-failed:
				s.end(err.Error())
			default:
			}
			return err
		}
	}
}
