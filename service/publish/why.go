package publish

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// mends are what to do about an answer of Redis, by the word it contains.
var mends = []struct{ word, mend string }{
	{"WRONGPASS", "set publish.redis.username and publish.redis.password to those of a user of this Redis"},
	{"NOAUTH", "this Redis asks for a password: set publish.redis.password"},
	{"without any password configured", "this Redis has no password: leave publish.redis.password empty, or set requirepass there"},
	{"invalid password", "set publish.redis.password to the password of this Redis"},
	{"NOPERM", "let this Redis user run get, set, del, pttl, pexpireat, time, eval, evalsha and script on the keys of " +
		"publish.redis.token_key and ticket_key, and on {<key>}:version beside them"},
	{"READONLY", "this Redis is a replica, or was made one by a failover: set publish.redis.address to the primary"},
	{"MOVED", "this Redis is one node of a cluster: set publish.redis.address to the cluster's proxy, or to a single Redis"},
	{"CLUSTERDOWN", "the cluster of this Redis is down: look at its nodes"},
	{"OOM", "this Redis is full: raise its maxmemory, or let it evict other keys"},
	{"MISCONF", "this Redis cannot save to its disk and takes no writes: look at its log"},
	{"LOADING", "this Redis is starting; there is nothing to do unless it lasts"},
	{"DB index is out of range", "this Redis has fewer databases: lower publish.redis.db"},
	{"max number of clients", "this Redis has too many connections: raise its maxclients, or find out who holds them"},
	{"WRONGTYPE", "a key of publish.redis.token_key or ticket_key holds another program's data, which is not overwritten: " +
		"delete that key, or choose other templates"},
	{"unknown command", "this Redis, or the proxy before it, does not run scripts (EVALSHA, SCRIPT LOAD): allow them, or take another one"},
	{"NOSCRIPT", "this Redis has just started anew; there is nothing to do unless it lasts"},
}

// describe is an error with its mend, for administrators; never with a password
// or a value: what does not know AUTH may repeat it. The mend comes alone, too.
func (p *Publisher) describe(err error) (text, mend string) {
	// "unknown command" goes on with the arguments.
	text, _, _ = strings.Cut(err.Error(), ", with args")
	text = secret.Hide(text, p.o.Password)
	for _, m := range mends {
		if strings.Contains(text, m.word) {
			return text + " — " + m.mend, m.mend
		}
	}
	mend = mendOfNetwork(err)
	return text + " — " + mend, mend
}

// unvalued is an error of a Redis, or of a proxy before it, that was sent values.
type unvalued struct {
	cause error
	text  string // without them
}

// Error implements error.
func (e *unvalued) Error() string { return e.text }

// Unwrap tells the cause to errors.Is and errors.As.
func (e *unvalued) Unwrap() error { return e.cause }

// withoutValues takes off an error what the jobs have sent. nil stays nil.
func withoutValues(err error, jobs []job) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for i := range jobs {
		for _, kind := range jobs[i].kinds {
			if c, found := jobs[i].view.Credential(kind); found {
				text = secret.Hide(text, c.Value)
			}
		}
	}
	return &unvalued{err, text}
}

func mendOfNetwork(err error) string {
	var network net.Error
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &record):
		return "this Redis does not speak TLS at this port: set publish.redis.tls = false, or take its TLS port"
	case errors.As(err, &unknown):
		return "the certificate of this Redis is from an authority that this system does not know: set publish.redis.tls_ca to the file of its CA"
	case errors.As(err, &name):
		return "the certificate of this Redis is for another name: write the name that it is for in publish.redis.address"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "this Redis does not answer in time: look at its load, at the network between, and whether publish.redis.tls is right for this port"
	}
	return "check publish.redis.address, whether this Redis runs, the network between, and whether publish.redis.tls is right for this port"
}
