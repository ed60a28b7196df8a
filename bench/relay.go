package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

const (
	smallPath = "/bench/small"
	largePath = "/bench/large"
	largeSize = 96 << 20 // bytes; wxsign lets 100 MiB through
)

// startFront is a WeChat with two calls of its own, a small one and a large one;
// all else is the simulator's.
func startFront(ctx context.Context, wechat string) (string, func(), error) {
	base, err := url.Parse(wechat)
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(base))
	mux.HandleFunc(smallPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","openid":"o6_bmjrPTlm6_2sgVt7hMZOPfL2M"}`)
	})
	mux.HandleFunc(largePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		chunk := make([]byte, 64<<10)
		for sent := 0; sent < largeSize; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

// relay measures what the way through wxsign adds to a call, beside the standard
// library's reverse proxy.
func (b *bench) relay(ctx context.Context, w world) (string, error) {
	front, closeFront, err := startFront(ctx, w.wechat)
	if err != nil {
		return "", err
	}
	defer closeFront()
	w.wechat, w.cold = front, true
	proxy, err := goPeer("reverseproxy")(ctx, b, w)
	if err != nil {
		return "", err
	}
	defer proxy.stop()
	p, err := b.startWxsign(ctx, replica{wechat: front, database: b.sqlite("relay"), cpu: serverCPU})
	if err != nil {
		return "", err
	}
	defer p.stop()
	key, err := b.apiKey(ctx, p)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("| way | p50 of a small call, one at a time | stream |\n|---|---:|---:|\n")
	for _, way := range []struct {
		title, base, query string
		p                  *process
	}{
		{"straight", front, "", proxy},
		{"httputil.ReverseProxy", "http://" + proxy.addr, "", proxy},
		{"relay", "http://" + p.addr, "?access_token=" + key, p},
	} {
		var samples []sample
		var streams []sample
		for range b.rounds {
			s, err := load(ctx, way.p, way.base+smallPath+way.query, time.Second, "-c1")
			if err != nil {
				return text.String(), fmt.Errorf("%s: %w", way.title, err)
			}
			rate, err := stream(ctx, way.base+largePath+way.query)
			if err != nil {
				return text.String(), fmt.Errorf("%s: %w", way.title, err)
			}
			samples, streams = append(samples, s), append(streams, sample{perSecond: rate})
		}
		fmt.Fprintf(&text, "| %s | %s | %.0f MB/s |\n", way.title, median(samples, func(s sample) time.Duration { return s.p50 }),
			median(streams, func(s sample) float64 { return s.perSecond })/1e6)
	}
	return text.String(), nil
}

// stream is bytes a second of one large answer.
func stream(ctx context.Context, address string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	began := time.Now()
	n, err := io.Copy(io.Discard, response.Body)
	return float64(n) / time.Since(began).Seconds(), err
}
