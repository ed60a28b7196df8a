package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// fault is something that WeChat does, as an order to the simulator.
type fault struct{ title, order string }

func weChatFaults() []fault {
	return []fault{
		{"hanging", `{"path":"*","mode":"hang","count":-1}`},
		{"refusing (502)", `{"path":"*","mode":"status","status":502,"count":-1}`},
		{"answering garbage", `{"path":"*","mode":"garbage","count":-1}`},
		{"ticket refused (-1)", `{"path":"/cgi-bin/ticket/getticket","errcode":-1,"count":-1}`},
	}
}

// faultRecovery is how long the recovery is watched.
const faultRecovery = 10 * time.Second

// faults starts each server while WeChat is ill, asks for a page, heals WeChat and
// waits for the first signature.
func (b *bench) faults(ctx context.Context, w world) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "Nothing stored, WeChat ill: what a page gets within %s, and how long after WeChat is well again the first page is signed (watched for %s):\n\n", faultPatience, faultRecovery)
	all := weChatFaults()
	titles := make([]string, 0, len(all))
	for _, f := range all {
		titles = append(titles, f.title)
	}
	text.WriteString(gridHead(titles))
	for _, c := range []contestant{
		{"wxsign", "SQLite", wxsignCold},
		{"chanxuehong/wechat", "memory", goPeer("chanxuehong")},
		{"silenceper/wechat", "memory", goPeer("silenceper")},
		{"PowerWeChat", "memory", goPeer("powerwechat")},
		{"co-wechat-api", "memory", nodePeer("co-wechat-api")},
		{"wechat-jssdk", "its file store", nodePeer("wechat-jssdk")},
	} {
		if !strings.Contains(c.title(), b.only) {
			continue
		}
		text.WriteString(gridRow(c.title(), len(all), func(i int) (string, error) { return b.oneFault(ctx, c, all[i], w) }))
	}
	return text.String(), ctx.Err()
}

func (b *bench) oneFault(ctx context.Context, c contestant, f fault, w world) (string, error) {
	simulator, err := b.startSimulator(ctx, 1)
	if err != nil {
		return "", err
	}
	defer simulator.stop()
	w.wechat, w.cold = "http://"+simulator.addr, true
	if err := steer(ctx, w.wechat, http.MethodPost, "/_sim/fault", f.order); err != nil {
		return "", err
	}
	p, err := c.start(ctx, b, w)
	if err != nil {
		return "does not start", nil // that is the result
	}
	defer p.stop()
	ill := askPage(ctx, http.DefaultClient, p, w.wechat)
	if err := steer(ctx, w.wechat, http.MethodDelete, "/_sim/fault", ""); err != nil {
		return "", err
	}
	began := time.Now()
	for time.Since(began) < faultRecovery && ctx.Err() == nil {
		if askPage(ctx, http.DefaultClient, p, w.wechat).signed() {
			return fmt.Sprintf("%s; %s", ill, time.Since(began).Round(100*time.Millisecond)), nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ill.String() + "; **not within " + faultRecovery.String() + "**", nil
}
