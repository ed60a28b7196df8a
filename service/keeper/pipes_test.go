package keeper_test

import (
	"net/http"

	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// overPipes lets a client that insists on https reach the piped simulator.
type overPipes struct{ sim *simtest.Server }

func (o overPipes) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return o.sim.Client.Transport.RoundTrip(r)
}
