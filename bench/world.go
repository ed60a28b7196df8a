package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const (
	appID  = "wx0123456789abcdef"
	secret = "bench-secret-of-the-simulator" //nolint:gosec // of a pretended account
	// page is what is signed; its encoded form stands in every request.
	page = "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2Farticle%2F20260101%3Fid%3D42%26from%3Dsinglemessage"
)

// The CPUs of the server under test and of the load generator.
const (
	serverCPU = "0"
	loadCPU   = "1"
)

// simulatorConfig is a pretended WeChat that everybody asks. Tokens of both
// chains are fresh for two hours.
func (b *bench) startSimulator(ctx context.Context) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`
[simulator]
enabled = true
listen = %q

[[simulator.account]]
app_id = %q
secret = %q
domains = ["h5.example.com"]
`, addr, appID, secret)
	file := filepath.Join(b.dir, "simulator.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, command{name: b.bin + "/wxsign", args: []string{"--config", file, "simulator"}}, addr, "/_sim/ledger")
}

// wxsignConfig is what a user has on: allow-list, rate limits (so high that
// one load generator does not reach them), access log, metrics.
func wxsignConfig(listen, wechat, database string) string {
	return fmt.Sprintf(`
[server]
listen = %q
rate_per_address = 1000000
burst_per_address = 1000000
rate_per_account = 1000000

[ops]
listen = "127.0.0.1:0"

[wechat]
base_url = %q

%s

[[account]]
app_id = %q
name = "Bench"
secret = %q
domains = ["h5.example.com"]
`, listen, wechat, database, appID, secret)
}

// startWxsign starts a replica and waits until it can sign.
func (b *bench) startWxsign(ctx context.Context, name, wechat, database string, cpu string) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, name+".toml")
	if err := os.WriteFile(file, []byte(wxsignConfig(addr, wechat, database)), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, command{
		name: b.bin + "/wxsign", args: []string{"--config", file}, env: []string{"GOMAXPROCS=1"}, cpu: cpu, dir: b.dir,
	}, addr, page)
}

// sqlite is the [database] section of a file of its own.
func (b *bench) sqlite(name string) string {
	return fmt.Sprintf("[database]\ndriver = \"sqlite\"\ndsn = %q\n", filepath.Join(b.dir, name+".db"))
}
