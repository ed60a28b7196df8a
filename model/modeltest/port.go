package modeltest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Linux hands out ports from 32768 up to outgoing connections. A port that is to
// be there again after a pause must lie below, or sooner or later some client
// has it in the meantime.
const (
	lowestPort  = 20000
	highestPort = 32767
)

// listenLow listens on a free loopback port below the ephemeral ones.
func listenLow() (*net.TCPListener, error) {
	var errs []error
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		listener, err := listenTCP(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return listener, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func listenTCP(addr string) (*net.TCPListener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	return net.ListenTCP("tcp", resolved)
}

// lowPort finds a port that is free now. It may be taken by the time it is used.
func lowPort() (int, error) {
	listener, err := listenLow()
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
