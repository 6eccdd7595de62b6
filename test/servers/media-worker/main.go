// Media worker: LiveKit's egress and ingress services for tests. It registers with a real LiveKit over its Redis, takes the orders
// that are given through LiveKit's API, carries them out with ffmpeg, and reports states, so that LiveKit itself sends the webhooks.
// What it says and when follows what was measured of the real services. Only the picture is not the room's.
//
//	media-worker CONFIG    serves until SIGTERM (records to the end, takes nothing new) or SIGKILL (a lost service)
//	media-worker handler   carries out one egress; started by the service, as the real one does
//
// CONFIG is a JSON file (see the type config): keys never reach the process list. Prints "ready CONTROL RTMP" with its addresses, both on loopback.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/stdr"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"github.com/livekit/psrpc/pkg/bus/redisbus"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/redis/go-redis/v9"
)

type config struct {
	Redis  string `json:"redis"`  // host:port, or redis:// with a password
	Dir    string `json:"dir"`    // folder for work files
	Orders string `json:"orders"` // file that gets each order as a line of JSON, without credentials
	// LiveKit, for the recorder and the ingests as participants; without a URL nobody joins
	URL       string `json:"url"`
	APIKey    string `json:"apiKey"`
	APISecret string `json:"apiSecret"`
	Max       int    `json:"max"` // orders at once; 0 = no limit
	// cores that the service believes to have, 80 % of which it gives away (room composite 4, participant 2, tracks 1); 0 = no limit
	CPUs      float64  `json:"cpus"`
	Tied      bool     `json:"tied"`      // ends when its standard input does, so with the test that started it
	RealTimes bool     `json:"realTimes"` // waits as long as the real service did; else a fraction
	Storage   *storage `json:"storage"`
	Backup    *storage `json:"backup"`
}

// storage is the service's own, as in the real service's config file.
type storage struct {
	Prefix               string `json:"prefix"`
	GeneratePresignedURL bool   `json:"generatePresignedUrl"`
	S3                   *s3    `json:"s3"`
}

type s3 struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	Bucket    string `json:"bucket"`
	AccessKey string `json:"accessKey"`
	Secret    string `json:"secret"`
}

type worker struct {
	mu       sync.Mutex
	config   config
	bus      psrpc.MessageBus
	io       rpc.IOInfoClient
	orders   *os.File
	handlers map[string]*child
	faults   []fault
	sessions map[string]*session // by ingress id; a second encoder replaces the first
	full     map[string]bool     // "egress", "ingress": no CPU left
}

// fault is what goes wrong with an order.
type fault struct {
	Kind  string `json:"kind"`
	Error string `json:"error,omitempty"`
	MS    int    `json:"ms,omitempty"`
}

func connect(address string) psrpc.MessageBus {
	options := &redis.Options{Addr: address}
	if strings.Contains(address, "://") {
		var err error
		options, err = redis.ParseURL(address)
		check(err)
	}
	client := redis.NewClient(options)
	check(client.Ping(context.Background()).Err())
	return redisbus.New(client)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "media-worker:", err)
		os.Exit(1)
	}
}

func main() {
	quiet := stdr.New(log.New(io.Discard, "", 0))
	logger.SetLogger(logger.LogRLogger(quiet), "media-worker")
	lksdk.SetLogger(logger.LogRLogger(quiet))
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: media-worker CONFIG")
		os.Exit(2)
	}
	if os.Args[1] == "handler" {
		handle()
		return
	}
	text, err := os.ReadFile(os.Args[1])
	check(err)
	w := &worker{handlers: map[string]*child{}, sessions: map[string]*session{}, full: map[string]bool{}}
	check(json.Unmarshal(text, &w.config))
	w.bus = connect(w.config.Redis)
	w.io, err = rpc.NewIOInfoClient(w.bus)
	check(err)
	if w.config.Orders != "" {
		w.orders, err = os.OpenFile(w.config.Orders, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		check(err)
	}
	egress, err := rpc.NewEgressInternalServer(w, w.bus)
	check(err)
	check(egress.RegisterStartEgressTopic(""))
	check(egress.RegisterListActiveEgressTopic(""))
	ingress, err := rpc.NewIngressInternalServer(w, w.bus)
	check(err)
	check(ingress.RegisterListActiveIngressTopic(""))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go w.control(listener)
	encoders, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go w.rtmp(encoders)
	fmt.Println("ready", listener.Addr(), encoders.Addr())
	if w.config.Tied {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	go egress.Shutdown()
	go ingress.Shutdown()
	for { // as the real service: what runs is carried to its end
		select {
		case <-ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
		w.mu.Lock()
		idle := len(w.handlers) == 0 && len(w.sessions) == 0
		w.mu.Unlock()
		if idle {
			return
		}
	}
}

// report tells LiveKit, again and again while it or Redis is away.
func report(client rpc.IOInfoClient, info *livekit.EgressInfo) {
	for i := 0; i < 60; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := client.UpdateEgress(ctx, info)
		cancel()
		if err == nil {
			return
		}
		fmt.Fprintln(os.Stderr, info.EgressId, "update:", err)
		time.Sleep(500 * time.Millisecond)
	}
}
