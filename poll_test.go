package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Long polls at three replicas on one MariaDB: all are woken by the one renewal
// that a call through the first replica brings about, and get the same value.
func TestLongPollsWakeOnEveryReplica(t *testing.T) {
	t.Parallel()
	const pollsEach = 20
	sim, replicas, key := threeReplicas(t)
	client := &http.Client{Timeout: 2 * time.Minute}
	t.Cleanup(client.CloseIdleConnections)
	path := "/v1/accounts/" + demoApp + "/access_token"
	first := getValue(t, client, replicas[0].listen+path, key)
	if first.Version == 0 {
		t.Fatal("no first value")
	}
	ready := time.Now()
	var polls sync.WaitGroup
	values := make(chan polled, len(replicas)*pollsEach)
	for _, s := range replicas {
		for range pollsEach {
			polls.Go(func() {
				values <- getValue(t, client, s.listen+path+"?wait=60s&after="+strconv.FormatInt(first.Version, 10), key)
			})
		}
	}
	replicas[0].wait("a second since the first renewal", func() bool { return time.Since(ready) > 2*time.Second })
	sim.Control(t, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": demoApp, "what": "token"}, nil)
	b := newBusiness(t, key, replicas[:1])
	b.call()
	polls.Wait()
	close(values)
	for v := range values {
		if v.Version != first.Version+1 || v.Token == first.Token || v.Token == "" {
			t.Errorf("a poll was answered with version %d, want %d", v.Version, first.Version+1)
		}
	}
	if n := calls(t, sim)["/cgi-bin/stable_token"]; n != 2 {
		t.Errorf("%d calls for a token, the first one included; want 2", n)
	}
}

// polled is the answer to a poll.
type polled struct {
	Token   string `json:"access_token"`
	Version int64  `json:"version"`
}

func getValue(t *testing.T, client *http.Client, address, key string) (v polled) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Error(err)
		return v
	}
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return v
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, &v) != nil {
		t.Errorf("status %d, %v", resp.StatusCode, err)
	}
	return v
}
