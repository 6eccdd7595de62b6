package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// control is how a test chooses what goes wrong, on loopback only. Bodies and answers are JSON.
//
//	POST /fault    {kind, error?, ms?, times?}   for the next order, or the next `times`; see the README
//	POST /full     {egress?, ingress?}           no CPU left, until told otherwise
//	POST /storage  {storage?, backup?}           the service's own storage, for orders to come
//	GET  /egress                                 ids of what runs
//	POST /egress/ID/kill | release | fail        ends the handler process; lets go on what is held; fails with {error}
//	POST /encoder/start {streamKey, ...}         an encoder begins to send; see the type encoder
//	POST /encoder/stop  {streamKey, error?}      it says goodbye, or with an error it vanishes
func (w *worker) control(l net.Listener) {
	mux := http.NewServeMux()
	route := func(pattern string, act func(r *http.Request, body func(any) error) (any, error)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			answer, err := act(r, func(to any) error { return json.NewDecoder(r.Body).Decode(to) })
			rw.Header().Set("content-type", "application/json")
			if err != nil {
				rw.WriteHeader(http.StatusBadRequest)
				answer = map[string]string{"error": err.Error()}
			}
			if answer == nil {
				answer = struct{}{}
			}
			_ = json.NewEncoder(rw).Encode(answer)
		})
	}
	route("POST /fault", func(_ *http.Request, body func(any) error) (any, error) {
		var f struct {
			fault
			Times int `json:"times"`
		}
		if err := body(&f); err != nil {
			return nil, err
		}
		known := " none hold-start start-timeout pipeline upload-refused bucket-missing hold-end stop-hangs limit "
		if !strings.Contains(known, " "+f.Kind+" ") {
			return nil, fmt.Errorf("no such fault: %q; there are%s", f.Kind, known)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for range max(1, f.Times) {
			w.faults = append(w.faults, f.fault)
		}
		return nil, nil
	})
	route("POST /full", func(_ *http.Request, body func(any) error) (any, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return nil, body(&w.full)
	})
	route("POST /storage", func(_ *http.Request, body func(any) error) (any, error) {
		var c config
		if err := body(&c); err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.config.Storage, w.config.Backup = c.Storage, c.Backup
		return nil, nil
	})
	route("GET /egress", func(*http.Request, func(any) error) (any, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.running(), nil
	})
	route("POST /egress/{id}/{act}", func(r *http.Request, body func(any) error) (any, error) {
		w.mu.Lock()
		c := w.handlers[r.PathValue("id")]
		w.mu.Unlock()
		if c == nil {
			return nil, errors.New("no such egress runs here")
		}
		switch act := r.PathValue("act"); act {
		case "kill":
			return nil, c.cmd.Process.Kill()
		case "release":
			_, err := fmt.Fprintln(c.in, "release")
			return nil, err
		case "fail":
			f := fault{Error: "Internal data stream error."}
			_ = body(&f)
			_, err := fmt.Fprintln(c.in, "fail", strings.ReplaceAll(f.Error, "\n", " "))
			return nil, err
		default:
			return nil, fmt.Errorf("no such act: %s", act)
		}
	})
	route("POST /encoder/{act}", func(r *http.Request, body func(any) error) (any, error) {
		e := encoder{Width: 640, Height: 360, Framerate: 30}
		if err := body(&e); err != nil {
			return nil, err
		}
		if r.PathValue("act") == "stop" {
			return nil, w.stopEncoder(e)
		}
		return w.startEncoder(e)
	})
	check(http.Serve(l, mux))
}
