package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
)

// contestant is a row of the table.
type contestant struct {
	name  string
	notes string
	start func(ctx context.Context, b *bench, w world) (*process, error)
}

// world is what the servers need: a pretended WeChat and stores.
type world struct {
	wechat  string // base URL
	redis   string // address
	dsn     string // MySQL
	sql     *sql.DB
	mariadb *store
	cold    bool // nobody may ask for a page before the part does
}

// contestants are in the table's order; bare Gin is first, the measure of all.
func contestants() []contestant {
	return []contestant{
		{"bare Gin, constant", "the measure: 1.00", goPeer("gin")},
		{"wxsign", "everything on, as shipped", wxsign},
		{"bare net/http, constant", "floor", goPeer("nethttp")},
		{"bare fasthttp, constant", "floor", goPeer("fasthttp")},
		{"ideal signer in Gin", "floor: nothing else on", goPeer("idealgin")},
		{"ideal signer in net/http", "floor: nothing else on", goPeer("idealhttp")},
		{"chanxuehong/wechat in Gin", "memory", goPeer("chanxuehong")},
		{"silenceper/wechat in Gin", "memory", goPeer("silenceper")},
		{"silenceper/wechat in Gin", "Redis", onRedis("silenceper")},
		{"PowerWeChat in Gin", "memory", goPeer("powerwechat")},
		{"PowerWeChat in Gin", "Redis", onRedis("powerwechat")},
		{"Gin + GORM", "the ticket's row read per request, MariaDB", onMySQL("gormgin")},
		{"co-wechat-api, Node http", "memory", nodePeer("co-wechat-api")},
		{"wechat-jssdk, Express", "its file store", nodePeer("wechat-jssdk")},
	}
}

func (c contestant) title() string { return strings.TrimSuffix(c.name+" ("+c.notes+")", " ()") }

func goPeer(name string) func(context.Context, *bench, world) (*process, error) {
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		return b.startPeer(ctx, b.bin+"/"+name, w)
	}
}

func onRedis(name string) func(context.Context, *bench, world) (*process, error) {
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		return b.startPeer(ctx, b.bin+"/"+name, w, "-redis", w.redis)
	}
}

func onMySQL(name string) func(context.Context, *bench, world) (*process, error) {
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		return b.startPeer(ctx, b.bin+"/"+name, w, "-dsn", w.dsn)
	}
}

func nodePeer(name string) func(context.Context, *bench, world) (*process, error) {
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		return b.startPeer(ctx, "node", w, "node/"+name+".js")
	}
}

// startPeer starts a server with the flags that all of them know. A script
// stands before its flags.
func (b *bench) startPeer(ctx context.Context, name string, w world, more ...string) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	dash := "-"
	if name == "node" {
		dash = "--"
	}
	args := append(more, dash+"listen", addr, dash+"wechat", w.wechat, dash+"app-id", appID, dash+"secret", secret)
	path := page
	if w.cold { // the first page would fetch the ticket
		path = listening
	}
	return b.start(ctx, command{name: name, args: args, env: []string{"GOMAXPROCS=1"}, cpu: serverCPU}, addr, path)
}

func wxsign(ctx context.Context, b *bench, w world) (*process, error) {
	return b.startWxsign(ctx, replica{wechat: w.wechat, database: b.sqlite(filepath.Base(w.wechat)), cpu: serverCPU})
}
