package main

import (
	"sync"
	"time"

	"github.com/livekit/protocol/egress"
	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

// recorder is the egress as a hidden participant of the room.
type recorder struct {
	room      *lksdk.Room
	identity  string
	published chan struct{} // closed when there is something to record
	once      sync.Once
}

func (r *recorder) media() { r.once.Do(func() { close(r.published) }) }

func (h *handler) join() (*recorder, error) {
	r := &recorder{identity: h.asked.identity, published: make(chan struct{})}
	if h.config.URL == "" || h.asked.room == "" {
		r.media()
		return r, nil
	}
	if h.asked.composite {
		h.pause(1200 * time.Millisecond) // Chromium starts
	}
	token, err := egress.BuildEgressToken(h.info.EgressId, h.config.APIKey, h.config.APISecret, h.asked.room)
	if err != nil {
		return nil, err
	}
	gone := sync.OnceFunc(func() { close(h.closed) })
	wanted := func(p *lksdk.RemoteParticipant) bool { return r.identity == "" || p.Identity() == r.identity }
	callback := &lksdk.RoomCallback{
		OnDisconnected: gone, // the room has ended
		OnParticipantDisconnected: func(p *lksdk.RemoteParticipant) {
			if r.identity != "" && p.Identity() == r.identity {
				gone()
			}
		},
		ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackPublished: func(_ *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
				if wanted(p) {
					r.media()
				}
			},
		},
	}
	r.room, err = lksdk.ConnectToRoomWithToken(h.config.URL, token, callback, lksdk.WithAutoSubscribe(false))
	if err != nil {
		return nil, err
	}
	for _, p := range r.room.GetRemoteParticipants() {
		if wanted(p) && len(p.TrackPublications()) > 0 {
			r.media()
		}
	}
	return r, nil
}

// black tells a publisher who has a microphone only.
func (r *recorder) black() bool {
	if r.room == nil || r.identity == "" {
		return false
	}
	p := r.room.GetParticipantByIdentity(r.identity)
	if p == nil {
		return false
	}
	for _, t := range p.TrackPublications() {
		if t.Kind() == lksdk.TrackKindVideo {
			return false
		}
	}
	return true
}

func (r *recorder) leave() {
	if r.room != nil {
		r.room.DisconnectWithReason(livekit.DisconnectReason_CLIENT_INITIATED)
	}
}
