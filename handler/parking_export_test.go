package handler

import (
	"context"
	"net"
)

// DropParam is for the fuzzer.
func DropParam(raw, name string) string { return dropParam(raw, name) }

// NewReplayed is a connection that was given back to its server.
func NewReplayed(conn *net.TCPConn, answered func()) net.Conn {
	return &replayed{TCPConn: conn, answered: answered}
}

// CloseLot closes a lot while somebody is on the way in.
func CloseLot(ctx context.Context) {
	l := newLot(nil)
	left, _ := l.enter()
	defer left()
	l.close(ctx)
}
